"""Detect a map of two levels: depth that was normalised with a sky of 1e10 in view, or a mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.holes import looks_measured, some_of

Mask = NDArray[np.bool_]

END, END_LOSSY = 0.011, 0.06
"""Of the range: what is so near to an end counts as the end."""
FEW_LEVELS, FEW_LEVELS_LOSSY = 8, 32
"""Different numbers at both ends; more of them are depths."""
LEAST_AT_ENDS = 0.9
MOST_BETWEEN = 0.002
"""Of the map: numbers between the ends that do not lie on a smoothed edge from one to the other."""
LEAST_AT_ONE_END = 0.001
REACH = 3
"""Pixels from a smoothed edge to either side of it."""


@dataclass(frozen=True, slots=True)
class TwoLevels:
    """The numbers at both ends, and the share of the map that is at the high one."""

    low: float
    high: float
    high_share: float

    def __str__(self) -> str:
        lower = 1 - self.high_share
        return f"{lower:.1%} of it is {self.low:g} and {self.high_share:.1%} is {self.high:g}"


def find_two_levels(
    numbers: NDArray[Any], proper: Mask, inside: NDArray[Any], *, lossy: bool
) -> TwoLevels | None:
    """The two levels of `numbers` (H, W), or None if there are more; `inside` are those that are `proper`.

    Two lengths are two depths: nobody normalised them.
    """
    low, high = float(inside.min()), float(inside.max())
    end = (END_LOSSY if lossy else END) * (high - low)
    if not np.isfinite(end) or end == 0 or looks_measured(inside):
        return None
    some = some_of(inside)
    at_ends = some[(some <= low + end) | (some >= high - end)]
    few = FEW_LEVELS_LOSSY if lossy else FEW_LEVELS
    if at_ends.size < LEAST_AT_ENDS * some.size or len(np.unique(at_ends)) > few:
        return None
    lower, upper = proper & (numbers <= low + end), proper & (numbers >= high - end)
    between = proper & ~lower & ~upper & ~(_near(lower) & _near(upper))
    if np.count_nonzero(between) > MOST_BETWEEN * inside.size:
        return None
    share = np.count_nonzero(upper) / (np.count_nonzero(upper) + np.count_nonzero(lower))
    return TwoLevels(low, high, share) if LEAST_AT_ONE_END < share < 1 - LEAST_AT_ONE_END else None


def _near(mask: Mask) -> Mask:
    """Pixels within REACH of `mask` (H, W), across and down."""
    for axis in (0, 1):
        grown = mask.copy()
        for step in range(1, REACH + 1):
            ahead, behind = (
                tuple(part if k == axis else slice(None) for k in (0, 1))
                for part in (slice(step, None), slice(None, -step))
            )
            grown[ahead] |= mask[behind]
            grown[behind] |= mask[ahead]
        mask = grown
    return mask


def two_levels_error(name: str, levels: TwoLevels) -> DepthError:
    """What such a file is, and how to save the depth instead."""
    return DepthError(
        f"{name} has two levels and no depth between them: {levels}. That happens when numbers are divided "
        "by their maximum and the sky, at 1e10, is in view, as by older Normalize nodes of Blender; a mask "
        "is like this, too",
        code=ErrorCode.DEPTH_CONSTANT,
        remedy="in Blender save the Z pass as OpenEXR, or use Map Range with Clamp, or the Mist pass, in "
        "place of Normalize; --near white or --near black takes the two levels as they are",
        value=levels.high_share,
    )
