"""Cues for which end of a depth map is near, measured on a small copy of it.

Every cue is positive if the high end seems near, and changes its sign when the map is inverted, so that
they are not biased towards one end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from depthpaint.depth.holes import is_scattered, some_of

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
SIDE = 128  # pixels of the longer side of the small copy
CUES = (
    "the bottom against the top",
    "the floor's slope",
    "the lowest rows",
    "the rim against the middle",
    "the steps down the picture",
    "the few against the many",
    "a flat end at the top",
    "how much lies at the very end",
    "the bend of surfaces",
    "the middle of things against their outline",
    "slopes away from the middle",
    "sharp outlines",
)
"""Descriptions of the cues, in the order of `cues`."""

COARSEST = 32
MOST_COVERED = 0.85
"""Of the picture; where things cover more there is no background around them."""
_EDGE = 0.06  # of the range, between neighbours in the small copy: a step from one thing to another


class SmallCopy(NamedTuple):
    """A copy of at most SIDE pixels a side, stretched to [0, 1] between its 1st and 99th percentile.

    `values` float32 (h, w) and `valid` bool (h, w) are averaged over valid pixels alone; `outlines` is the
    cue of that name, which needs the map itself.
    """

    values: Floats
    valid: Mask
    outlines: float


def small_copy(numbers: NDArray[np.generic], valid: Mask) -> SmallCopy:
    """The small copy of a map (H, W), with its valid pixels."""
    side = SIDE
    values, known = _copied(numbers, valid, side)
    # The points of a lidar become a surface on a coarser copy.
    while side > COARSEST and (is_scattered(known) or not known.any()):
        side //= 2
        values, known = _copied(numbers, valid, side)
    return SmallCopy(values, known, _outlines(numbers, valid))


def _copied(numbers: NDArray[np.generic], valid: Mask, side: int) -> tuple[Floats, Mask]:
    """As small_copy, at most `side` pixels a side."""
    height, width = numbers.shape
    scale = min(1.0, side / max(height, width))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    # A subset of the numbers suffices for a copy this small.
    skip = max(1, min(height // size[1], width // size[0]) // 4)
    # A quarter, so that no difference overflows.
    with np.errstate(invalid="ignore"):  # some kinds of NaN raise when they are widened
        sparse, known = numbers[::skip, ::skip].astype(np.float64) / 4, valid[::skip, ::skip]
    if not known.any():
        return np.zeros(size[::-1], np.float32), np.zeros(size[::-1], np.bool_)
    low, high = np.quantile(sparse[known], (0.01, 0.99))
    if low == high:
        low, high = sparse[known].min(), sparse[known].max()
    with np.errstate(over="ignore"):  # values that far beyond the percentiles are clipped anyway
        shares = np.clip((sparse - low) / ((high - low) or 1.0), 0, 1)
    stretched = np.where(known, shares, 0).astype(np.float32)
    weight = _resized(known.astype(np.float32), size)
    values = _resized(stretched, size) / np.maximum(weight, 1e-6)
    # A lone pixel at the edge of two of the copy may be missed by both.
    usual = float(np.median(weight[weight > 0])) if side < SIDE and weight.any() else 1.0
    return np.clip(values, 0, 1).astype(np.float32), weight >= 0.5 * usual


def cues(values: Floats, valid: Mask, outlines: float = 0.0) -> Floats:
    """All cues of a small copy, float32 (len(CUES),), each about in [-1, 1]."""
    if valid.sum() < 16:
        return np.zeros(len(CUES), np.float32)
    filled = np.where(valid, values, np.median(values[valid])).astype(np.float32)
    centred = filled - np.median(filled).astype(np.float32)
    surfaces = _surfaces(values, valid)
    measured = (
        _bottom_against_top(filled),
        _floor_slope(filled),
        _lowest_rows(filled),
        _rim_against_middle(filled),
        _steps(filled),
        _few_against_many(centred),
        _flat_top(filled),
        _at_the_end(filled),
        # Distances of planes and of round things bend away from the camera, and disparities of planes do not.
        -_bend(surfaces),
        _middle_of_things(values, valid),
        _slopes_outwards(surfaces, values.shape),
        outlines,
    )
    return np.array(measured, dtype=np.float32)


def _bottom_against_top(values: Floats) -> float:
    fifth = max(1, len(values) // 5)
    return float(values[-fifth:].mean() - values[:fifth].mean())


def _floor_slope(values: Floats) -> float:
    """In the lower 40 %, how much more often a column rises downwards than it falls."""
    lower = values[int(len(values) * 0.6) :]
    if len(lower) < 3:
        return 0.0
    third = max(1, len(lower) // 3)
    rise = lower[-third:].mean(axis=0) - lower[:third].mean(axis=0)
    return float(np.tanh(rise / 0.05).mean())


def _lowest_rows(values: Floats) -> float:
    """Where the lowest rows stand among all values."""
    rows = values[-max(1, len(values) // 24) :]
    ordered = np.sort(values, axis=None)
    rank = 0.5 * (np.searchsorted(ordered, rows, "left") + np.searchsorted(ordered, rows, "right"))
    return float(2 * np.median(rank) / values.size - 1)


def _rim_against_middle(values: Floats) -> float:
    height, width = values.shape
    rim = max(1, width // 10)
    middle = values[height // 4 : height - height // 4, width // 4 : width - width // 4]
    sides = np.concatenate((values[:, :rim].ravel(), values[:, -rim:].ravel()))
    return float(sides.mean() - np.median(middle))


def _steps(values: Floats) -> float:
    """At depth steps between things, whether they rise downwards.

    A thing in front hides what is behind it above its top, and meets the floor without a step.
    """
    down, right = np.gradient(values)
    size = np.hypot(down, right)
    step = np.where(size > _EDGE, size, 0)
    total = float(step.sum())
    return float((step * down / np.maximum(size, 1e-6)).sum()) / total if total >= 1 else 0.0


def _few_against_many(centred: Floats) -> float:
    """Few things are near and much is far: the skewness, from quantiles, which are robust to outliers."""
    low, high = np.quantile(centred, (0.05, 0.95))
    return float((high + low) / max(float(high - low), 1e-6))


def _flat_top(values: Floats) -> float:
    """A sky: the upper rows are all at one end, and the lower ones are not."""
    upper, lower = values[: max(1, len(values) // 6)], values[len(values) // 2 :]
    at_low = float((upper < 0.03).mean() - (lower < 0.03).mean())
    at_high = float((upper > 0.97).mean() - (lower > 0.97).mean())
    return at_low - at_high


def _at_the_end(values: Floats) -> float:
    """Much is at the very far end (a sky, a background), little at the very near one."""
    return float((values < 0.02).mean() - (values > 0.98).mean())


def _middle_of_things(values: Floats, valid: Mask) -> float:
    """Where things lie on nothing, whether they come nearer from their outline inwards, as round ones do.

    The rank correlation of the values with the distance from the outline.
    """
    if valid.mean() > MOST_COVERED:
        return 0.0
    left, depth = np.pad(valid, 1), np.zeros((valid.shape[0] + 2, valid.shape[1] + 2), np.float32)
    while left.any():
        depth += left
        left = left & np.roll(left, 1, 0) & np.roll(left, -1, 0) & np.roll(left, 1, 1) & np.roll(left, -1, 1)
    inside = values[valid]
    if float(np.ptp(inside)) == 0 or depth.max() < 2:
        return 0.0
    first, second = (np.argsort(np.argsort(each)) for each in (depth[1:-1, 1:-1][valid], inside))
    return float(np.corrcoef(first, second)[0, 1])


WINDOW, STRIDE = 20, 10  # pixels of the small copy
_SMOOTH, _ROUGH = 0.02, 0.1


def bend(values: Floats, valid: Mask) -> float:
    """How much smooth surfaces bend, in [-1, 1]: about 0 in disparity, negative in 1 minus distance.

    `values` is a small copy (small_copy), 1 = near. The measure is the second derivative along the slope,
    divided by the slope, times the window; the result is the median over surfaces.
    """
    return _bend(_surfaces(values, valid))


def _surfaces(values: Floats, valid: Mask) -> NDArray[np.float64]:
    """Quadratics fitted to the windows of one smooth, inclined surface, (8, N).

    The coefficients of 1, x, y, x², xy and y², with the window from -1 to 1, and the window's middle from
    that of the picture, in pixels to the right and down.
    """
    height, width = values.shape
    if height < WINDOW or width < WINDOW:
        return np.empty((8, 0))
    y, x = (axis.ravel() / (WINDOW / 2) - 1 for axis in np.mgrid[0:WINDOW, 0:WINDOW].astype(np.float64))
    basis = np.stack((np.ones_like(x), x, y, x * x, x * y, y * y), axis=1)
    size = (WINDOW, WINDOW)
    whole = sliding_window_view(valid, size)[::STRIDE, ::STRIDE].all(axis=(2, 3))
    patches = sliding_window_view(values, size)[::STRIDE, ::STRIDE][whole].reshape(-1, WINDOW * WINDOW)
    fitted = patches.astype(np.float64) @ np.linalg.pinv(basis).T
    rough = np.sqrt(np.mean((fitted @ basis.T - patches) ** 2, axis=1))
    slope = np.hypot(fitted[:, 1], fitted[:, 2])
    rows, columns = (STRIDE * place + WINDOW / 2 for place in np.nonzero(whole))
    found = np.vstack((fitted.T, columns - width / 2, rows - height / 2))
    return found[:, (slope >= _SMOOTH) & (rough <= _ROUGH * slope)]


def _bend(surfaces: NDArray[np.float64]) -> float:
    if surfaces.shape[1] < 4:
        return 0.0
    _, right, down, xx, xy, yy, _, _ = surfaces
    slope = np.hypot(right, down)
    second = 2 * (xx * right**2 + xy * right * down + yy * down**2) / slope**2
    return float(np.tanh(np.median(second / slope)))


def _slopes_outwards(surfaces: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Whether surfaces rise away from the middle of the picture.

    Floors, ceilings, and the sides of rooms, of things and of openings lead along the camera's view towards
    the middle, and the farther the nearer to it.
    """
    across, along = surfaces[6:]
    away = np.hypot(across, along)
    kept = away > 0.15 * min(shape) / 2
    if np.count_nonzero(kept) < 4:
        return 0.0
    _, right, down = surfaces[:3, kept]
    outwards = (right * across[kept] + down * along[kept]) / (np.hypot(right, down) * away[kept])
    windows = ((shape[0] - WINDOW) // STRIDE + 1) * ((shape[1] - WINDOW) // STRIDE + 1)
    return float(outwards.mean()) * min(1.0, 4 * outwards.size / windows)


OUTLINE_SIDE = 640
_JUMP, _SHARP, _SPAN = 0.06, 0.85, 3
_MOST_JUMP = 0.3
_MANY_OUTLINES = 0.15


def _outlines(numbers: NDArray[np.generic], valid: Mask) -> float:
    """Whether sharp steps fall away from the middle of the picture, in [-1, 1].

    A thing hides what is behind it on the side away from the middle, and an opening is hidden on the side
    towards it: there depth jumps from one pixel to the next. On the other side its flank is in view.
    """
    skip = -(-max(numbers.shape) // OUTLINE_SIDE)
    known = valid[::skip, ::skip]
    if np.count_nonzero(known) < 100:
        return 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        sparse = numbers[::skip, ::skip].astype(np.float64) / 4
        low, high = np.quantile(some_of(sparse[known]), (0.01, 0.99))
        if low == high:
            return 0.0
        values: NDArray[np.float64] = np.where(known, np.clip((sparse - low) / (high - low), 0, 1), np.nan)
    falling = total = count = 0.0
    for each in (values, values.T):
        width = each.shape[1]
        if width < 4 * _SPAN:
            continue
        step = each[:, _SPAN + 1 : -_SPAN] - each[:, _SPAN : -_SPAN - 1]
        whole = each[:, 2 * _SPAN + 1 :] - each[:, : -2 * _SPAN - 1]
        place = np.arange(step.shape[1], dtype=np.float64) + _SPAN + 1
        outwards = (place - width / 2) / (width / 2)
        size, around = np.abs(step), np.abs(whole)
        sharp = (size > _JUMP) & (size >= _SHARP * around) & (around >= 0.7 * size)
        weight = np.where(sharp, np.minimum(size, _MOST_JUMP) * np.abs(outwards), 0)
        falling -= float((weight * np.sign(np.where(sharp, step, 0)) * np.sign(outwards)).sum())
        total += float(weight.sum())
        count += np.count_nonzero(sharp)
    share = count / np.sqrt(values.size)
    return falling / total * min(1.0, share / _MANY_OUTLINES) if total else 0.0


def _resized(values: Floats, size: tuple[int, int]) -> Floats:
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BOX))
