"""Statistics of measurements: medians with confidence intervals, and paired comparisons."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EQUAL_DB = 99.0
"""The peak signal-to-noise ratio of equal images, where a finite number is needed."""
DRAWS = 2000
LEVEL = 0.95
NUMBERS_AT_ONCE = 1 << 18
"""Values drawn at once: one call per resample is a hundred times slower."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The median of `count` measurements, and the bounds of its 95 % confidence interval."""

    median: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.median:.4g} [{self.low:.4g}, {self.high:.4g}]"

    def overlaps(self, other: Interval) -> bool:
        """Whether the intervals overlap, so that the two may not differ."""
        return self.low <= other.high and other.low <= self.high


def interval_of(values: Sequence[float], seed: int = 0) -> Interval:
    """The median with its bootstrap interval: percentiles of resampled medians (Efron 1979).

    Equal values give an equal interval. Raises ValueError for no values.
    """
    if not values:
        raise ValueError("no measurement has no median")
    numbers = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    # In chunks: ten thousand pictures times two thousand resamples do not fit in memory. Same result.
    at_once = max(1, NUMBERS_AT_ONCE // len(numbers))
    medians = np.concatenate(
        [
            np.median(rng.choice(numbers, (min(at_once, DRAWS - done), len(numbers))), axis=1)
            for done in range(0, DRAWS, at_once)
        ]
    )
    edge = 50 * (1 - LEVEL)
    low, high = (float(bound) for bound in np.percentile(medians, (edge, 100 - edge)))
    return Interval(float(np.median(numbers)), low, high, len(numbers))


def difference(one: Sequence[float], other: Sequence[float]) -> Interval:
    """The median of `one` less `other`, pair by pair. Raises ValueError for unequal lengths."""
    return interval_of([a - b for a, b in zip(one, other, strict=True)])


def in_words(apart: Interval, more: str, less: str) -> str:
    """`more` or `less` with the interval if it excludes zero, else "no clear difference"."""
    if apart.low > 0:
        return f"{more} (by {apart})"
    if apart.high < 0:
        return f"{less} (by {apart})"
    return f"no clear difference ({apart})"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of equal runs: median, lowest, highest, and how many."""

    median: float
    lowest: float
    highest: float
    runs: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        """Summarise at least one measurement."""
        return cls(statistics.median(seconds), min(seconds), max(seconds), len(seconds))

    def __str__(self) -> str:
        """Like `1.42 s (1.38 to 1.50, 5 runs)`."""
        return f"{self.median:.3g} s ({self.lowest:.3g} to {self.highest:.3g}, {self.runs} runs)"


def psnr(one: NDArray[np.generic], other: NDArray[np.generic], peak: float = 255) -> float:
    """Peak signal-to-noise ratio in dB of two pictures of one shape with values from 0 to `peak`.

    At most EQUAL_DB, which equal pictures have.
    """
    apart = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    error = float(np.mean(np.square(apart))) / peak**2
    return min(EQUAL_DB, -10 * math.log10(error)) if error else EQUAL_DB
