"""Repeated measurements: a warm-up that does not count, then a median with its spread."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of equal runs: median, lowest, highest, and how many."""

    median: float
    lowest: float
    highest: float
    runs: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        """Sum up at least one measurement."""
        return cls(statistics.median(seconds), min(seconds), max(seconds), len(seconds))

    def __str__(self) -> str:
        """Like `1.42 s (1.38 to 1.50, 5 runs)`."""
        return f"{self.median:.3g} s ({self.lowest:.3g} to {self.highest:.3g}, {self.runs} runs)"
