"""Which pixels of a map hold no depth: NaN, infinity, and the numbers that stand for "nothing measured"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
Mask = NDArray[np.bool_]

LEAST_SHARE = 1e-4
BACKGROUND = 1e9
"""Renderers write 1e10 and more where a ray hits nothing."""
_GAP = 0.05  # of the range of the rest, between a mark and the next number


@dataclass(frozen=True, slots=True)
class Emptiness:
    """What lies beside the depth proper, each bool (H, W).

    `unknown`: NaN, transparent, or told to be empty. `endless`: infinite or a renderer's background. `low`
    and `high`: one number at the end of the range, far from all others; what it means depends on which end
    is near. `low_mark` and `high_mark` are those numbers.
    """

    unknown: Mask
    endless: Mask
    low: Mask
    high: Mask
    low_mark: float | None
    high_mark: float | None

    @property
    def proper(self) -> Mask:
        """Where there is depth, (H, W)."""
        return ~(self.unknown | self.endless | self.low | self.high)


def find_empty(
    numbers: Numbers, opaque: Mask | None, empty: tuple[float, ...] | Literal["auto"], stated: float | None
) -> Emptiness:
    """Sort the pixels of `numbers` (H, W).

    `opaque` leaves the transparent ones out; `empty` are the marks that the user told, `stated` the one that
    the file declares.
    """
    unknown = np.zeros(numbers.shape, dtype=np.bool_) if opaque is None else ~opaque
    endless = np.zeros(numbers.shape, dtype=np.bool_)
    if numbers.dtype.kind == "f":
        unknown |= np.isnan(numbers)
        endless |= (np.isinf(numbers) | _background(numbers)) & ~unknown
    marks = (() if empty == "auto" else empty) + (() if stated is None else (stated,))
    for mark in marks:
        unknown |= numbers == mark
    nothing = np.zeros(numbers.shape, dtype=np.bool_)
    if empty != "auto":
        return Emptiness(unknown, endless & ~unknown, nothing, nothing, None, None)
    endless &= ~unknown
    low_mark, high_mark = _marks(numbers, ~(unknown | endless))
    return Emptiness(
        unknown,
        endless,
        nothing if low_mark is None else (numbers == low_mark) & ~unknown,
        nothing if high_mark is None else (numbers == high_mark) & ~unknown,
        low_mark,
        high_mark,
    )


def _background(numbers: Numbers) -> Mask:
    """Where a renderer wrote that a ray hit nothing: one huge number, far beyond everything else."""
    if numbers.dtype.itemsize < 4:
        return np.zeros(numbers.shape, dtype=np.bool_)
    huge = np.isfinite(numbers) & (numbers >= BACKGROUND)
    if np.count_nonzero(huge) < max(4, LEAST_SHARE * numbers.size):
        return np.zeros_like(huge)
    rest = numbers[np.isfinite(numbers) & ~huge]
    mark = numbers[huge].max()
    alone = rest.size >= 16 and numbers[huge].min() == mark and float(rest.max()) < float(mark) / 100
    return huge if alone else np.zeros_like(huge)


def _marks(numbers: Numbers, proper: Mask) -> tuple[float | None, float | None]:
    """The least and the greatest number, where many pixels hold exactly it and none comes near it.

    Only in numbers with room for a mark: 16 bits and more. In 8 bits 0 and 255 are the ends of the range.
    """
    if numbers.dtype.kind not in "iuf" or numbers.dtype.itemsize < 2:
        return None, None
    values = numbers.reshape(-1) if proper.all() else numbers[proper]
    if values.size < 16:
        return None, None
    low, high = values.min(), values.max()
    inner = (values != low) & (values != high)
    if np.count_nonzero(inner) < max(16, values.size // 50):
        return None, None
    second = float(values.min(where=inner, initial=high))
    last = float(values.max(where=inner, initial=low))
    if second == last:
        return None, None
    room = max(_GAP * (last - second), 1e-30)
    least = max(4, LEAST_SHARE * values.size)
    low_is_mark = float(low) <= 0 and second - float(low) > room and np.count_nonzero(values == low) >= least
    # A near thing may well be one number far above all others; a mark is the type's own end, or far beyond.
    top = float(np.iinfo(numbers.dtype).max) if numbers.dtype.kind in "iu" else np.inf
    beyond = float(high) in (top, 65504.0) or float(high) - last > 3 * (last - second)
    high_is_mark = beyond and float(high) - last > room and np.count_nonzero(values == high) >= least
    return float(low) if low_is_mark else None, float(high) if high_is_mark else None
