"""From numbers as stored to [0, 1]: the range is the file's own, and no bit of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.depth_map import Near

MAX_NAN_SHARE = 0.5

_PIXELS_AT_ONCE = 1 << 20
_SQUEEZED = 0.05  # of the range, into which nearly all values of a map with outliers fall

Numbers = NDArray[Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Normalised:
    """Depth in [0, 1] with what was found on the way.

    `values` float32 (H, W), 1 = nearest; `valid` bool (H, W); `levels` the distinct finite
    values; `raw_range` the smallest and largest of them as stored; `notes` sentences to show the user.
    """

    values: NDArray[np.float32]
    valid: Mask
    levels: int
    raw_range: tuple[float, float]
    notes: tuple[str, ...]


def normalise(
    name: str, numbers: Numbers, mask: Mask | None, *, near: Near = "white", allow_constant: bool = False
) -> Normalised:
    """Stretch `numbers` (H, W) of any real type to [0, 1], 1 = nearest.

    Pixels outside `mask` and NaNs become invalid and hold 0; infinities of either sign are the far plane,
    valid, and hold 0. A constant map is an error, or 0.5 throughout where it is allowed. Raises DepthError
    (depth_not_finite, depth_constant).
    """
    valid = np.ones(numbers.shape, dtype=np.bool_) if mask is None else mask
    far = np.zeros(numbers.shape, dtype=np.bool_)
    notes: list[str] = []
    if numbers.dtype.kind == "f":
        valid, far, notes = _sort_out(name, numbers, valid)
    finite = numbers[valid & ~far]
    if finite.size == 0:
        raise _constant(name, "it is fully transparent")
    low, high = finite.min(), finite.max()
    if low == high and not allow_constant:
        raise _constant(name, f"every value is {low}")
    values = np.empty(numbers.shape, dtype=np.float32)
    for rows in _blocks(numbers.shape):
        values[rows] = 0.5 if low == high else _stretched(numbers[rows], low, high)
    if near == "black":
        np.subtract(1, values, out=values)
    values[~valid | far] = 0
    if _has_outliers(finite, low, high):
        notes.append(
            f"a few extreme values take up nearly the whole range {_short(low)} to {_short(high)}; "
            "the rest is nearly flat"
        )
    return Normalised(values, valid, _distinct(finite), (float(low), float(high)), tuple(notes))


def _sort_out(name: str, numbers: Numbers, valid: Mask) -> tuple[Mask, Mask, list[str]]:
    """Tell NaN (unknown) and infinity (the far plane) from depth."""
    absent = np.isnan(numbers) & valid
    far = np.isinf(numbers) & valid
    share = float(absent.sum() / max(1, valid.sum()))
    if share > MAX_NAN_SHARE or (valid.any() and not (valid & ~absent & ~far).any()):
        what = f"{share:.1%} of its values are NaN" if share else "all of its values are infinite"
        raise DepthError(
            f"{name} holds too little depth: {what}",
            code=ErrorCode.DEPTH_NOT_FINITE,
            remedy=f"fill the holes; up to {MAX_NAN_SHARE:.0%} are filled as far",
            value=share,
            limit=MAX_NAN_SHARE,
        )
    notes: list[str] = []
    if share:
        notes.append(f"{_percent(share)} of the values are NaN; they are filled as far")
    if far.any():
        notes.append(f"{_percent(float(far.mean()))} of the values are infinite; they are the far plane")
    return valid & ~absent, far, notes


def _stretched(block: Numbers, low: Any, high: Any) -> NDArray[np.float64]:
    """(block - low) / (high - low) in float64, without wrapping or overflow at the ends of any type."""
    if block.dtype.kind in "iu" and block.dtype.itemsize == 8:
        # Differences modulo 2^64 are exact for signed and unsigned alike; float64 would merge neighbours at
        # 2^60.
        difference = block.astype(np.uint64) - np.asarray(low).astype(np.uint64)
        return difference.astype(np.float64) / float(int(high) - int(low))
    with np.errstate(over="ignore", invalid="ignore"):  # NaN and infinity are replaced later
        wide, start, span = block.astype(np.float64), float(low), float(high) - float(low)
        if np.isinf(span):
            wide, start, span = wide / 2, start / 2, float(high) / 2 - start / 2
        return (wide - start) / span


def _distinct(values: Numbers) -> int:
    if values.dtype.kind == "b":
        return len({bool(values.min()), bool(values.max())})
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        return int(np.count_nonzero(np.bincount(values.astype(np.int32) - int(values.min()))))
    ordered = np.sort(values.astype(values.dtype.newbyteorder("=")))
    return 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def _has_outliers(values: Numbers, low: Any, high: Any) -> bool:
    if values.dtype.kind == "b" or low == high:
        return False
    few = _stretched(values[:: max(1, values.size // 65_536)], low, high)
    start, end = np.quantile(few, (0.001, 0.999))
    # A map of two values is no map with outliers, however few pixels have the second one.
    return bool(0 < end - start < _SQUEEZED)


def _blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    rows = max(1, _PIXELS_AT_ONCE // shape[1])
    return (slice(top, top + rows) for top in range(0, shape[0], rows))


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


def _short(value: Any) -> str:
    return f"{float(value):.4g}"


def _constant(name: str, reason: str) -> DepthError:
    return DepthError(
        f"{name} has no depth in it: {reason}",
        code=ErrorCode.DEPTH_CONSTANT,
        remedy="give a map with near and far; --allow-constant paints a flat one",
        value=name,
    )
