"""Take the steps out of a map that was stored with too few levels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
Floats = NDArray[np.float64]

WORTHWHILE_LEVELS = 128
MOST_LEVELS = 4096
_REACHES = (16, 8, 4, 2, 1, 8, 4, 2, 1, 4, 2, 1, 2, 1, 1)


def debanded(numbers: Numbers, valid: NDArray[np.bool_]) -> Floats:
    """`numbers` (H, W) as float64 with the steps between neighbouring levels smoothed, edges kept.

    Every number stays within half a level of what is stored, because that is all that rounding can have taken
    from it; and only neighbours at most one level apart are averaged, so that an edge stays where it is.
    Where there are no steps (more than MOST_LEVELS levels) nothing changes.
    """
    levels = np.unique(numbers[valid])
    if not 2 < len(levels) <= MOST_LEVELS:
        return numbers.astype(np.float64)
    places = _places(levels.astype(np.float64))
    rank = places[np.searchsorted(levels, np.where(valid, numbers, levels[0]))]
    smooth = rank.copy()
    for reach in _REACHES:
        smooth = _averaged(smooth, rank, valid, reach).clip(rank - 0.5, rank + 0.5)
    spread = np.interp(smooth, places, levels.astype(np.float64))
    return np.where(valid, spread, numbers)


def _places(levels: Floats) -> Floats:
    """Where each level stands on a scale of steps: uneven ones (a gamma) count one each, gaps count many.

    A gap is where no pixel has the levels between: an edge, and not a step.
    """
    steps = np.diff(levels)
    around = np.pad(steps, 2, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(around, 5), axis=1)
    usual = np.minimum(usual, 2 * np.median(steps))
    return np.concatenate(([0.0], np.cumsum(np.where(steps <= 1.75 * usual, 1.0, 3.0))))


def _averaged(smooth: Floats, rank: Floats, valid: NDArray[np.bool_], reach: int) -> Floats:
    """The mean of each pixel and its neighbours at `reach`, in pairs that are both at most one level away.

    A neighbour without its opposite would pull a slope to its own side.
    """
    total, weight = smooth.copy(), np.ones_like(smooth)
    for axis in (0, 1):
        if rank.shape[axis] <= 2 * reach:
            continue
        before, here, after = (
            tuple(slice(start, stop) if k == axis else slice(None) for k in (0, 1))
            for start, stop in ((None, -2 * reach), (reach, -reach), (2 * reach, None))
        )
        alike = valid[before] & valid[here] & valid[after]
        alike &= (np.abs(rank[before] - rank[here]) <= 1) & (np.abs(rank[after] - rank[here]) <= 1)
        total[here] += np.where(alike, smooth[before] + smooth[after], 0)
        weight[here] += 2 * alike
    return total / weight
