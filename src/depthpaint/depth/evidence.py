"""What the numbers of a map say themselves of near and far, before any look at the picture.

Every score is a log-odds for "the numbers are distances, so small is near", in nats; 0 is no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

SIDE = 160  # pixels of the longer side of the copy on which surfaces are fitted
WINDOW, STRIDE = 12, 6
STEEP, ROUGH = 0.02, 0.15
"""A window counts if it has one surface: a slope of this share of its depth, and little left over."""
MODEL_ERROR = 0.25
"""How far curved things move the median of a whole map."""
MOST = 4.0
MOST_DISPARITY = -1.0

FULL = 60_000
"""Integers up to this do not fill 16 bits, so nobody stretched them."""
SENSOR_METRES = (0.05, 200.0)


def looks_measured(values: NDArray[Any]) -> bool:
    """Whether numbers (N,) look like lengths or pixels: positive, and not stretched over their type's range."""
    if not values.size:
        return False
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f":
        return low > 0 and high > 1.5
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 2 or low <= 0:
        return False
    # Some wrong pixels may be anywhere.
    return high < FULL or float(np.quantile(_some(values), 0.999)) < 0.5 * high


def _some(values: NDArray[Any]) -> NDArray[Any]:
    return values[:: max(1, values.size // 100_000)]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Log-odds that the numbers are distances with small near, and the reasons in words.

    `curved` is the part that surfaces give; `planes` how they lie: about 1 in distances, 0 in disparities, None
    if there are too few.
    """

    total: float
    curved: float
    planes: float | None
    reasons: tuple[str, ...]


NO_EVIDENCE = Evidence(0.0, 0.0, None, ())


def evidence_of(
    numbers: NDArray[Any], proper: Mask, inside: NDArray[Any], *, zero_is_empty: bool, sky: bool
) -> Evidence:
    """Weigh what the numbers (H, W) are; `inside` are those of `proper`, a mask (H, W).

    `zero_is_empty`: many pixels outside `proper` hold exactly 0; `sky`: a renderer's number for "no hit" is among
    them.
    """
    if not looks_measured(inside):
        return Evidence(2.0 if sky else 0.0, 0.0, None, ("the background of a renderer",) if sky else ())
    total, reasons = 0.0, list[str]()
    if inside.dtype.kind in "iu":
        total += 1.5
        reasons.append("integers that do not fill their type, as cameras write distances")
        if zero_is_empty:
            total += 1.0
            reasons.append("0 where nothing was measured")
    else:
        high = float(np.quantile(_some(inside), 0.99))
        if SENSOR_METRES[0] < high < SENSOR_METRES[1]:
            total += 1.0
            reasons.append("numbers like metres")
        if zero_is_empty:
            total += 0.5
    if sky:
        total += 2.0
        reasons.append("the background of a renderer")
    planes, spread = planes_of(numbers, proper)
    curved = 0.0
    if planes is not None:
        curved = float(
            np.clip((2 * np.clip(planes, -0.5, 1.5) - 1) / (2 * (spread**2 + MODEL_ERROR**2)), -MOST, MOST)
        )
        if abs(curved) >= 0.5:
            reasons.append(f"planes bend as {'distances' if curved > 0 else 'disparities'} do ({planes:.2f})")
    if curved < -2:
        # Not lengths: then that they do not fill their type says nothing of which end is near. They may also be
        # disparities that somebody inverted.
        total = 0.0
    return Evidence(total + float(np.clip(curved, MOST_DISPARITY, MOST)), curved, planes, tuple(reasons))


def planes_of(numbers: NDArray[Any], proper: Mask) -> tuple[float | None, float]:
    """How smooth surfaces bend, relative to planes in distances from zero, and the standard error.

    Along its slope s, a plane in z = 1 / (a x + b) has z'' = 2 s^2 / z; one in disparity has none. A quadratic is
    fitted to every window of a small copy (H, W); the measure is the median of z'' z / (2 s^2) over windows with
    one surface: 1 in distances, 0 in disparities.
    """
    values, known = block_means(numbers, proper)
    patches = _windows(values, known)
    if len(patches) < 8:
        return None, 1.0
    y, x = (axis.ravel() / (WINDOW / 2) - 1 for axis in np.mgrid[0:WINDOW, 0:WINDOW].astype(np.float64))
    basis = np.stack((np.ones_like(x), x, y, x * x, x * y, y * y), axis=1)
    fitted = patches @ np.linalg.pinv(basis).T
    rough = np.sqrt(np.mean((patches - fitted @ basis.T) ** 2, axis=1))
    centre, right, down, xx, xy, yy = fitted.T
    slope = np.hypot(right, down)
    one = (slope > STEEP * centre) & (rough < ROUGH * slope) & (centre > 0)
    if one.sum() < 8:
        return None, 1.0
    square = slope[one] ** 2
    second = (
        2 * (xx[one] * right[one] ** 2 + xy[one] * right[one] * down[one] + yy[one] * down[one] ** 2) / square
    )
    shares = second * centre[one] / (2 * square)
    middle = float(np.median(shares))
    # The windows overlap by half on each side: a quarter of them are independent.
    spread = 1.4826 * float(np.median(np.abs(shares - middle)))
    return middle, 1.25 * spread / float(np.sqrt(len(shares) / 4))


def block_means(numbers: NDArray[Any], proper: Mask) -> tuple[Floats, Mask]:
    """Means of the valid numbers in blocks, (h, w) with at most SIDE a side; valid where most of a block is."""
    block = max(1, -(-max(numbers.shape) // SIDE))
    skip = max(1, block // 4)  # a quarter of the numbers of a side are enough for a mean
    sparse, known = numbers[::skip, ::skip], proper[::skip, ::skip]
    block = max(1, -(-max(sparse.shape) // SIDE))
    height, width = (side // block for side in sparse.shape)
    cut = (slice(height * block), slice(width * block))
    four = (height, block, width, block)
    valid = known[cut].reshape(four)
    with np.errstate(invalid="ignore"):
        values = np.where(valid, sparse[cut].reshape(four), 0).astype(np.float64)
    count = valid.sum(axis=(1, 3))
    means = values.sum(axis=(1, 3)) / np.maximum(count, 1)
    return means, count >= 0.6 * block * block


def _windows(values: Floats, known: Mask) -> Floats:
    """All windows without a hole, (N, WINDOW * WINDOW)."""
    if min(values.shape) < WINDOW:
        return np.empty((0, WINDOW * WINDOW))
    size = (WINDOW, WINDOW)
    whole = np.lib.stride_tricks.sliding_window_view(known, size)[::STRIDE, ::STRIDE].all(axis=(2, 3))
    views = np.lib.stride_tricks.sliding_window_view(values, size)[::STRIDE, ::STRIDE]
    return views[whole].reshape(-1, WINDOW * WINDOW)
