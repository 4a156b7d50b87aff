"""Two conditions, seed by seed: how far they lie apart, and whether that could be chance."""

from __future__ import annotations

from collections.abc import Sequence

from depthpaint.core.interval import Interval, interval_of


def difference(one: Sequence[float], other: Sequence[float]) -> Interval:
    """The median of `one` less `other`, pair by pair. Raises ValueError for unequal lengths."""
    return interval_of([a - b for a, b in zip(one, other, strict=True)])


def told(apart: Interval, more: str, less: str) -> str:
    """In words: `more` or `less` where the interval leaves out zero, else that no difference is seen."""
    if apart.low > 0:
        return f"{more} (by {apart})"
    if apart.high < 0:
        return f"{less} (by {apart})"
    return f"no difference seen ({apart})"
