"""Pixels without depth: how they are detected, and how they are filled from their surroundings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.scale import blocks

Numbers = NDArray[Any]
Mask = NDArray[np.bool_]

LEAST_SHARE = 1e-4
HEAPED = 5.0
"""A number is a heap if so many times as many pixels have it as usually have one."""
BACKGROUND = 1e9
"""Renderers write 1e10 and more for rays without a hit."""
SENSOR_ENDS = (2047.0, 32767.0)
"""Numbers of sensors for "nothing measured" beside the end of the type: Kinect's raw 11 bits, and 15."""
_GAP = 0.05  # of the range of the rest, between a marker and the next number


FULL = 60_000
"""Integers up to this do not fill 16 bits, so nobody stretched them."""


def looks_measured(values: NDArray[Any]) -> bool:
    """Whether numbers (N,) look like lengths or pixels: positive, not stretched over their type's range."""
    if not values.size:
        return False
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f":
        return low > 0 and high > 1.5
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 2 or low <= 0:
        return False
    # Some wrong pixels may be anywhere.
    return high < FULL or float(np.quantile(some_of(values), 0.999)) < 0.5 * high


def some_of(values: NDArray[Any]) -> NDArray[Any]:
    """Some of many numbers (N,), enough for quantiles."""
    return values[:: max(1, values.size // 100_000)]


@dataclass(frozen=True, slots=True)
class Emptiness:
    """Masks of the pixels without regular depth, each bool (H, W).

    `unknown`: NaN, transparent, or specified as empty. `endless`: infinite or a renderer's background. `low`
    and `high`: one number at the end of the range that many pixels have; its meaning depends on which end
    is near. `low_mark` and `high_mark` are those numbers, `apart` whether the low one is far from all others.
    """

    unknown: Mask
    endless: Mask
    low: Mask
    high: Mask
    low_mark: float | None
    high_mark: float | None
    apart: bool = True

    @property
    def proper(self) -> Mask:
        """Where there is depth, (H, W)."""
        return ~(self.unknown | self.endless | self.low | self.high)

    def without_low(self) -> Emptiness:
        """The same, where the number at the low end is depth."""
        return replace(self, low=np.zeros_like(self.low), low_mark=None, apart=True)


def find_empty(
    numbers: Numbers, opaque: Mask | None, empty: tuple[float, ...] | Literal["auto"], stated: float | None
) -> Emptiness:
    """Classify the pixels of `numbers` (H, W).

    `opaque` excludes transparent ones; `empty` are the markers given by the user, `stated` the one declared
    in the file.
    """
    unknown = np.zeros(numbers.shape, dtype=np.bool_) if opaque is None else ~opaque
    endless = np.zeros(numbers.shape, dtype=np.bool_)
    if numbers.dtype.kind == "f" and not (
        -BACKGROUND < float(numbers.min()) and float(numbers.max()) < BACKGROUND
    ):
        # -inf: too near to be measured. Hugely negative numbers are a type's end.
        huge = _far_beyond(numbers)
        unknown |= np.isnan(numbers) | (numbers == -np.inf) | (huge & (numbers < 0))
        endless |= ((numbers == np.inf) | huge) & ~unknown
    marks = (() if empty == "auto" else empty) + (() if stated is None else (stated,))
    for mark in marks:
        unknown |= numbers == mark
    nothing = np.zeros(numbers.shape, dtype=np.bool_)
    if empty != "auto":
        return Emptiness(unknown, endless & ~unknown, nothing, nothing, None, None)
    endless &= ~unknown
    low_mark, high_mark, apart = _marks(numbers, ~(unknown | endless))
    if high_mark in SENSOR_ENDS:
        unknown |= numbers == high_mark
    return Emptiness(
        unknown,
        endless,
        nothing if low_mark is None else (numbers == low_mark) & ~unknown,
        nothing if high_mark is None else (numbers == high_mark) & ~unknown,
        low_mark,
        high_mark,
        apart,
    )


def _far_beyond(numbers: Numbers) -> Mask:
    """Where numbers are huge, far beyond all others: a renderer's background, or a type's negative end."""
    if numbers.dtype.itemsize < 4:
        return np.zeros(numbers.shape, dtype=np.bool_)
    huge = np.isfinite(numbers) & ((numbers >= BACKGROUND) | (numbers <= -BACKGROUND))
    if np.count_nonzero(huge) < max(4, LEAST_SHARE * numbers.size):
        return np.zeros_like(huge)
    rest = np.abs(numbers[np.isfinite(numbers) & ~huge])
    alone = rest.size >= 16 and float(rest.max()) < float(np.abs(numbers[huge]).min()) / 100
    return huge if alone else np.zeros_like(huge)


def _marks(numbers: Numbers, proper: Mask) -> tuple[float | None, float | None, bool]:
    """The least and the greatest number, if many pixels have exactly it, and whether the least lies apart.

    Marks lie far from all other numbers; 0 and negative numbers below lengths need not. In 8 bits 255 is the
    end of the range.
    """
    none = (None, None, False)
    if numbers.dtype.kind not in "iuf":
        return none
    values = numbers.reshape(-1) if proper.all() else numbers[proper]
    if values.size < 16:
        return none
    low, high = values.min(), values.max()
    inner = values[(values != low) & (values != high)]
    if inner.size < 16:
        return none
    # Without the outermost thousandth on either side: some wrong pixels hide no mark.
    second, last = (float(end) for end in np.quantile(some_of(inner), (0.001, 0.999)))
    if second == last:
        return none
    room = max(_GAP * (last - second), 1e-30)
    least = max(4, LEAST_SHARE * values.size)
    count = np.count_nonzero(values == low)
    many = count >= least
    apart = bool(many and float(low) <= 0 and second - float(low) > room)
    # A near thing may be one number far above all others; a marker is the type's own end, or far beyond.
    ends = (
        (float(np.iinfo(numbers.dtype).max), *SENSOR_ENDS)
        if numbers.dtype.kind in "iu"
        else (np.inf, 65504.0)
    )
    if numbers.dtype.itemsize < 2:
        return (float(low) if apart else None), None, apart
    beyond = float(high) in ends or float(high) - last > 3 * (last - second)
    high_is_mark = beyond and float(high) - last > room and np.count_nonzero(values == high) >= least
    rest = inner if high_is_mark else values[values != low]
    usual = inner.size / len(np.unique(some_of(inner)))  # pixels with one number
    lowest = float(low) == 0 or float(low) < 0 <= float(rest.min())
    below = many and count > HEAPED * usual and lowest and looks_measured(rest[rest > 0])
    low_is_mark = apart or below
    return float(low) if low_is_mark else None, float(high) if high_is_mark else None, apart


def is_scattered(known: Mask) -> bool:
    """Whether known pixels (H, W) are points or lines, as a lidar measures them, and not whole things."""
    inner = known[1:-1, 1:-1]
    whole = inner & known[:-2, 1:-1] & known[2:, 1:-1] & known[1:-1, :-2] & known[1:-1, 2:]
    return bool(np.count_nonzero(whole) < 0.5 * np.count_nonzero(inner))


Floats = NDArray[np.float32]

STEP = 0.05
"""Of the range: neighbours that differ more are separate things, and a hole between them is far."""


def inpainted(values: Floats, valid: Mask) -> Floats:
    """`values` (H, W), 1 = near, with invalid pixels filled from their surroundings.

    A pyramid (push-pull: Gortler et al. 1996, "The Lumigraph", 3.4), but each level uses not the mean of
    four pixels, but of those within STEP of the farthest. Holes of sensors and stereo are mostly next to
    near things and belong to the background, and a mean would create a slope that does not exist.
    """
    if valid.all() or not valid.any():
        return values
    return np.where(valid, values, _filled(np.where(valid, values, 0), valid))


def _filled(values: Floats, valid: Mask) -> Floats:
    if valid.all() or max(values.shape) <= 1:
        return values
    coarse, known = _pushed(values, valid)
    behind = _doubled(_filled(coarse, known), values.shape)
    return np.where(valid, values, behind)


def _pushed(values: Floats, valid: Mask) -> tuple[Floats, Mask]:
    """Half the size: one pixel for every two by two, valid if any of them is."""
    height, width = values.shape
    coarse = np.empty((-(-height // 2), -(-width // 2)), np.float32)
    known = np.empty(coarse.shape, np.bool_)
    for rows in blocks(coarse.shape):
        fine = slice(2 * rows.start, 2 * rows.stop)
        coarse[rows], known[rows] = _halved(values[fine], valid[fine])
    return coarse, known


def _halved(values: Floats, valid: Mask) -> tuple[Floats, Mask]:
    height, width = values.shape
    rim = ((0, height % 2), (0, width % 2))
    four = np.pad(values, rim, mode="edge"), np.pad(valid, rim, mode="constant")
    parts = [part.reshape(part.shape[0] // 2, 2, part.shape[1] // 2, 2) for part in four]
    numbers, known = (part.transpose(0, 2, 1, 3).reshape(*part.shape[::2], 4) for part in parts)
    farthest = np.where(known, numbers, np.inf).min(axis=-1, keepdims=True)
    alike = known & (numbers <= farthest + STEP)
    count = alike.sum(axis=-1)
    mean = np.where(alike, numbers, 0).sum(axis=-1) / np.maximum(count, 1)
    return mean.astype(np.float32), count > 0


def _doubled(coarse: Floats, shape: tuple[int, ...]) -> Floats:
    """Twice the size: smooth where neighbours are similar, from the nearest one across a step."""
    padded = np.pad(coarse, 1, mode="edge")
    values = np.empty(shape, np.float32)
    for block in blocks(shape):
        rows, columns = np.arange(shape[0])[block, None], np.arange(shape[1])[None]
        nearest = coarse[rows // 2, columns // 2]
        total, weight = nearest * 9, np.full(nearest.shape, 9, dtype=np.float32)
        # Bilinear at half the size: 9, 3, 3 and 1 sixteenths of the four nearest.
        down, right = np.where(rows % 2, 1, -1), np.where(columns % 2, 1, -1)
        for dy, dx, share in ((1, 0, 3), (0, 1, 3), (1, 1, 1)):
            other = padded[rows // 2 + 1 + dy * down, columns // 2 + 1 + dx * right]
            part = np.where(np.abs(other - nearest) <= STEP, share, 0)
            total, weight = total + other * part, weight + part
        values[block] = total / weight
    return values
