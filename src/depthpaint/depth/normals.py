"""Which way surfaces face, from their depth: the picture that normal ControlNets are trained on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

OPENING = math.radians(55)
"""Angle of view across the longer side: between a phone's and a portrait lens, where nobody tells it."""

WINDOWS = (1, 2, 4, 8, 16)
STAIR = 1 / 255
"""What a plane may miss by, of a range of 1: the rounding of 8 bits, and a little bending."""


def normals_of(values: Floats, far_over_near: float) -> Floats:
    """Facing of each pixel, (H, W, 3) in [0, 1], from depth (H, W) in [0, 1], 1 = nearest.

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
    """Change a pixel across and down: of the plane through the widest window that is one, but for stairs.

    Far away a step of 1/255 is a steep slope; only a wide window sees that it belongs to none. Where even the
    smallest window holds an edge, the flatter side of each pixel counts, so that a step tilts neither.
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
    """Least squares over each pixel's window: slopes across and down, mean square of what is left."""
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
