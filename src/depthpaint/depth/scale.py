"""From numbers as stored to nearness in [0, 1]; no bit of them is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.depth_map import Near

Numbers = NDArray[Any]
Kind = Literal["disparity", "distance"]

RATIO = 10.0
"""How many times as far as the near plane the far one is taken to be, where distances lost their zero."""

_PIXELS_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How stored numbers become disparity.

    `low` and `high` are stored numbers, the ends of what is shown; `near` says which of them is near. With
    the kind "disparity" nearness is linear between them. With "distance" it is linear in 1 / z (Ranftl et al.
    1907.01341, eq. 3), where z runs from 1 at the near end to `far_over_near` at the far one.
    """

    kind: Kind
    near: Near
    low: Any
    high: Any
    far_over_near: float = RATIO

    def apply(self, numbers: Numbers) -> NDArray[np.float32]:
        """Nearness, float32 (H, W) in [0, 1], of `numbers` (H, W); what lies beyond an end is put on it."""
        values = np.empty(numbers.shape, dtype=np.float32)
        for rows in blocks(numbers.shape):
            values[rows] = self._apply(numbers[rows])
        return values

    def _apply(self, block: Numbers) -> NDArray[np.float64]:
        if self.low == self.high:
            return np.full(block.shape, 0.5)
        share = np.clip(stretched(block, self.low, self.high), 0, 1)
        if self.near == "black":
            share = 1 - share
        if self.kind == "disparity":
            return share
        farthest = self.far_over_near
        z = 1 + (1 - share) * (farthest - 1)
        return np.clip((1 / z - 1 / farthest) / (1 - 1 / farthest), 0, 1)


def stretched(block: Numbers, low: Any, high: Any) -> NDArray[np.float64]:
    """(block - low) / (high - low) in float64, without wrapping or overflow at the ends of any type."""
    if block.dtype.kind in "iu" and block.dtype.itemsize == 8 and not isinstance(low, float):
        # Differences modulo 2^64 are exact for signed and unsigned alike; float64 would merge neighbours at
        # 2^60.
        difference = block.astype(np.uint64) - np.asarray(low).astype(np.uint64)
        return np.where(block < low, 0.0, difference.astype(np.float64) / float(int(high) - int(low)))
    with np.errstate(over="ignore", invalid="ignore"):  # NaN and infinity are replaced later
        wide, start, span = block.astype(np.float64), float(low), float(high) - float(low)
        if np.isinf(span):
            wide, start, span = wide / 2, start / 2, float(high) / 2 - start / 2
        return (wide - start) / span


def blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of rows of about a million pixels: what is computed in float64 stays small."""
    rows = max(1, _PIXELS_AT_ONCE // shape[1])
    return (slice(top, top + rows) for top in range(0, shape[0], rows))
