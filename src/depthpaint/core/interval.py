"""A number with what is known of it: the median of some measurements, and how far off it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 2000
LEVEL = 0.95
NUMBERS_AT_ONCE = 1 << 18
"""Drawn in one go: a call for each draw costs a hundred times as much as the draw."""


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
        """Whether the two could be measurements of the same thing."""
        return self.low <= other.high and other.low <= self.high


def interval_of(values: Sequence[float], seed: int = 0) -> Interval:
    """The median with its bootstrap interval: percentiles of resampled medians (Efron 1979).

    Equal values give an equal interval. Raises ValueError for no values.
    """
    if not values:
        raise ValueError("no measurement has no median")
    numbers = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    # Some draws at a time: ten thousand pictures times two thousand draws do not fit. How many changes none.
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
