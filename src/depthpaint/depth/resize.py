"""Resize depth without ringing."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import ErrorCode, InternalError
from depthpaint.core.geometry import Box, Extent, Fit, Placement, place
from depthpaint.depth.depth_map import DepthMap

Item = TypeVar("Item", np.float32, np.bool_, np.uint8)
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def fit_depth(depth: DepthMap, placement: Placement, content: Extent) -> tuple[Floats, Mask]:
    """Resize and place `depth` on `content` pixels: values float32 (h, w) in [0, 1] and validity bool (h, w).

    A triangle filter: bilinear when enlarging, an average over the covered pixels when reducing; filters
    with negative lobes would create false depth along every edge. A pixel is valid if at least half
    of its sources are.
    """
    left, top, right, bottom = (round(side) for side in placement.target)
    size = Extent(right - left, bottom - top)
    values = np.clip(_resized(depth.values, placement.source, size), 0, 1)
    valid = _resized(depth.valid.astype(np.float32), placement.source, size) >= 0.5
    return pad_to(values, content, placement.target), pad_to(valid, content, placement.target)


def depth_at(depth: DepthMap, size: Extent, fit: Fit) -> tuple[Floats, Mask]:
    """The depth that a picture of `size` should have, (H, W) in [0, 1], and where it is given."""
    source = Extent(depth.values.shape[1], depth.values.shape[0])
    return fit_depth(depth, place(source, size, fit), size)


def pad_to(values: NDArray[Item], canvas: Extent, box: Box) -> NDArray[Item]:
    """Place `values` at `box` of a canvas and repeat their edges to its rim: (h, w) to (H, W).

    A picture (h, w, C) comes to (H, W, C).
    """
    left, top, right, bottom = (round(side) for side in box)
    inside = 0 <= left <= right <= canvas.width and 0 <= top <= bottom <= canvas.height
    if not inside or values.shape[:2] != (bottom - top, right - left) or not values.size:
        raise InternalError(
            f"an array of shape {values.shape} does not fit the box {tuple(box)} of {canvas}",
            code=ErrorCode.INTERNAL,
        )
    rims = [(top, canvas.height - bottom), (left, canvas.width - right), (0, 0)]
    return np.pad(values, rims[: values.ndim], mode="edge")


def _resized(values: Floats, source: Box, size: Extent) -> Floats:
    height, width = values.shape
    # Rounding may put a box slightly outside, which Pillow rejects.
    box = (max(0.0, source.left), max(0.0, source.top), min(width, source.right), min(height, source.bottom))
    if size == (width, height) and box == (0, 0, width, height):
        return values.copy()
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize((size.width, size.height), Image.Resampling.BILINEAR, box=box))
