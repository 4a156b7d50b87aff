"""Control images derived from a depth map: normals, edges, relief."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.slopes import slope_along

Floats = NDArray[np.float32]

CHANNELS = 4
"""The depth, its slope to the right, its slope downwards, and its discontinuities."""
EVERYDAY_SLOPE = 0.5
"""Of the range over the picture's size: the slope that is drawn at half strength. A floor has about 1."""
SLIGHT_BREAK = 0.01
"""Of the range: the crease or step that is drawn at half strength."""


def relief_of(depth: Floats) -> Floats:
    """The four channels (4, H, W) of a depth map (H, W) in [0, 1], 1 = nearest; all but the first in (-1, 1).

    A plane has one slope everywhere, because disparity is linear over the picture of a plane. Slopes are
    measured over the picture's size, the root of its area: they mean the same at every resolution.
    """
    height, width = depth.shape
    size = float(np.sqrt(height * width))
    padded = np.pad(depth, 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    left, right, above, below = padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]
    slopes = [_bounded(step / 2 * size, EVERYDAY_SLOPE) for step in (right - left, below - above)]
    breaks = _bounded(left + right + above + below - 4 * middle, SLIGHT_BREAK)
    return np.stack([depth, *slopes, breaks]).astype(np.float32)


def _bounded(values: NDArray[np.floating], half: float) -> Floats:
    """Values compressed to (-1, 1), where `half` becomes a half; large values do not dominate."""
    return (values / (np.abs(values) + half)).astype(np.float32)


Doubles = NDArray[np.float64]

OPENING = math.radians(55)
"""The assumed angle of view across the longer side: between a phone's and a portrait lens."""

WINDOWS = (1, 2, 4, 8, 16)
STAIR = 1 / 255
"""The largest deviation from a plane, of a range of 1: rounding to 8 bits, and slight bending."""


def normals_of(values: Floats, far_over_near: float) -> Floats:
    """The normal at each pixel, (H, W, 3) in [0, 1], from depth (H, W) in [0, 1], 1 = nearest.

    Red is to the left, green up, blue towards the eye, 0.5 is neither (Bae et al. 2109.09881, as ControlNet
    1.1 draws them). `far_over_near` is how many times as far 0 is as 1.

    1/z of a plane is linear in the picture, so its slopes are the plane's normal: no distance is needed.
    """
    inverse = 1 / far_over_near + values.astype(np.float64) * (1 - 1 / far_over_near)
    height, width = values.shape
    focal = max(height, width) / 2 / math.tan(OPENING / 2)
    across, down = (focal * slope for slope in _slopes(inverse))
    u = (np.arange(width, dtype=np.float64) - (width - 1) / 2) / focal
    v = ((np.arange(height, dtype=np.float64) - (height - 1) / 2) / focal)[:, None]
    towards = inverse - u * across - v * down
    facing = np.stack([across, down, towards], axis=-1)
    facing /= np.linalg.norm(facing, axis=-1, keepdims=True).clip(1e-9)
    return (facing * 0.5 + 0.5).astype(np.float32)


def _slopes(values: Doubles) -> tuple[Doubles, Doubles]:
    """Change per pixel across and down: of the plane through the largest planar window, except at steps.

    Far away a step of 1/255 is a steep slope; only a large window shows that it is none. If even the
    smallest window contains an edge, the flatter side of each pixel is used, so that neither side tilts.
    """
    across, down = (_flatter_side(values, axis) for axis in (1, 0))
    flat = np.ones(values.shape, np.bool_)
    for radius in WINDOWS:
        if 2 * radius >= min(values.shape):
            break
        wide_across, wide_down, residual = _plane_through(values, radius)
        flat &= residual <= STAIR**2
        across, down = np.where(flat, wide_across, across), np.where(flat, wide_down, down)
    return across, down


def _plane_through(values: Doubles, radius: int) -> tuple[Doubles, Doubles, Doubles]:
    """Least squares over each pixel's window: slopes across and down, mean square of the residuals."""
    side = 2 * radius + 1
    padded = np.pad(values, radius, mode="reflect", reflect_type="odd")
    rows = np.broadcast_to(np.arange(padded.shape[0], dtype=np.float64)[:, None], padded.shape)
    columns = np.broadcast_to(np.arange(padded.shape[1], dtype=np.float64), padded.shape)

    def mean(parts: Doubles) -> Doubles:
        total = np.pad(parts, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
        return (
            total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
        ) / side**2

    middle, spread = mean(padded), radius * (radius + 1) / 3
    inner = (slice(radius, -radius), slice(radius, -radius))
    across, down = ((mean(padded * place) - place[inner] * middle) / spread for place in (columns, rows))
    return across, down, mean(padded**2) - middle**2 - (across**2 + down**2) * spread


def _flatter_side(values: Doubles, axis: int) -> Doubles:
    change = np.diff(values, axis=axis)
    before = np.concatenate([change.take([0], axis), change], axis)
    after = np.concatenate([change, change.take([-1], axis)], axis)
    return np.where(np.abs(before) < np.abs(after), before, after)


WEAK, STRONG = 0.015, 0.04
"""Change of depth per pixel, of a range of 1: an edge starts at STRONG and continues down to WEAK."""


def edges_of(values: Floats) -> Floats:
    """Lines one pixel wide, float32 (H, W) of 0 and 1, from depth (H, W) in [0, 1] (Canny 1986)."""
    smooth = _blurred(values.astype(np.float64))
    down, across = (slope_along(smooth, axis) for axis in (0, 1))
    steepness = np.hypot(across, down)
    ridge = _is_ridge(steepness, across, down)
    strong, weak = ridge & (steepness >= STRONG), ridge & (steepness >= WEAK)
    return _followed(strong, weak).astype(np.float32)


def _blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    for axis in (0, 1):
        padded = np.pad(values, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        length = values.shape[axis]
        low, middle, high = (padded.take(range(start, start + length), axis) for start in (0, 1, 2))
        values = (low + 2 * middle + high) / 4
    return values


def _is_ridge(
    steepness: NDArray[np.float64], across: NDArray[np.float64], down: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Steepest among the neighbours along the gradient, in one of four directions."""
    angle = np.round(np.arctan2(down, across) / (np.pi / 4)).astype(int) % 4
    padded = np.pad(steepness, 1)
    height, width = steepness.shape
    ridge = np.zeros(steepness.shape, np.bool_)
    for direction, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead, behind = (
            padded[1 + s * dy : 1 + s * dy + height, 1 + s * dx : 1 + s * dx + width] for s in (1, -1)
        )
        # Of two equal neighbours one is kept.
        ridge |= (angle == direction) & (steepness > behind) & (steepness >= ahead)
    return ridge


def _followed(strong: NDArray[np.bool_], weak: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`strong` (H, W) and all of `weak` connected with it, by any of eight neighbours.

    Each round processes only the ends: a line may be as long as the map has pixels.
    """
    height, width = strong.shape
    lines, open_ways = np.pad(strong, 1).ravel(), np.pad(weak & ~strong, 1).ravel()
    row = width + 2
    around = np.array([-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1])
    ends = np.flatnonzero(lines)
    while ends.size:
        near = (ends[:, None] + around).ravel()
        ends = np.unique(near[open_ways[near]])
        lines[ends], open_ways[ends] = True, False
    return lines.reshape(height + 2, row)[1:-1, 1:-1]
