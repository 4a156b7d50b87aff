"""Close the holes of a depth map: from what surrounds them, and rather from behind than from in front."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.scale import blocks

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

STEP = 0.05
"""Of the range: neighbours that differ more belong to two things, and a hole between them to the farther."""


def inpainted(values: Floats, valid: Mask) -> Floats:
    """`values` (H, W), 1 = near, with what is not `valid` filled in from its surroundings.

    A pyramid (push-pull: Gortler et al. 1996, "The Lumigraph", 3.4), but what four pixels hand up is not
    their mean: it is the mean of those within STEP of the farthest. Sensors and stereo miss what a near thing
    hides, which belongs to the background, and a mean would draw a slope that is not there.
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
    """Half the size: for every two by two pixels one, valid where any of them is."""
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
    """Twice the size, smoothly where neighbours are alike and from the nearest one across a step."""
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
