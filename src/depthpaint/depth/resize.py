"""Resize depth without ringing, and enlarge a picture along the surfaces of its depth."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import ErrorCode, InternalError
from depthpaint.core.geometry import Box, Extent, Fit, Placement, place
from depthpaint.depth.depth_map import DepthMap

Item = TypeVar("Item", np.float32, np.bool_)
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
    """Place `values` (h, w) at `box` of a canvas, (H, W) as returned, and repeat their edges to its rim."""
    left, top, right, bottom = (round(side) for side in box)
    inside = 0 <= left <= right <= canvas.width and 0 <= top <= bottom <= canvas.height
    if not inside or values.shape != (bottom - top, right - left) or not values.size:
        raise InternalError(
            f"an array of shape {values.shape} does not fit the box {tuple(box)} of {canvas}",
            code=ErrorCode.INTERNAL,
        )
    return np.pad(values, ((top, canvas.height - bottom), (left, canvas.width - right)), mode="edge")


def _resized(values: Floats, source: Box, size: Extent) -> Floats:
    height, width = values.shape
    # Rounding may put a box slightly outside, which Pillow rejects.
    box = (max(0.0, source.left), max(0.0, source.top), min(width, source.right), min(height, source.bottom))
    if size == (width, height) and box == (0, 0, width, height):
        return values.copy()
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize((size.width, size.height), Image.Resampling.BILINEAR, box=box))


Pixels = NDArray[np.uint8]
Rows = NDArray[np.intp]

REACH_SHARP, REACH_SOFT = 0.55, 0.7
"""Standard deviation, in cells, of the kernel that gathers colours."""
SAME_PLANE, SAME_PLANE_SHARE = 0.006, 0.1
"""The largest distance from a plane that belongs to it: of the depth's range, and of the local span."""
PURITY, LEAST_PURE = 4.0, 0.02
"""The weight of a mixed cell, unless all are mixed."""
CERTAIN = 0.002
"""A pixel with less support from its surroundings than this partly keeps the plain colour."""
PIXELS_AT_ONCE = 1 << 15
"""Pixels of a band, to fit a core's cache: the fastest of 2**12 to 2**18, on one core and on two."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """A grid of colours (h, w, 3) to gather from, and the depth (h, w) at the centres of the cells.

    `pure` is 1 where a cell is on one surface, near 0 where it is a mixture of several; `reach` is the radius
    of the kernel, in cells.
    """

    colours: Floats
    depth: Floats
    rows: Rows
    columns: Rows
    pure: Floats
    reach: float


def enlarge_along_depth(picture: Pixels, guide: Floats, softness: int = 1, threads: int = 0) -> Pixels:
    """Resize `picture` (h, w, 3) to the guide's size, (H, W, 3), with colour edges at depth edges.

    `guide` is the depth (H, W) in [0, 1]. `softness` is the width of the picture's edges in pixels:
    colours are gathered from cells of that size. Where the surroundings are one plane the result equals
    Lanczos', with the picture's own texture. `threads` is the number of threads, 0 for one per core.
    """
    height, width = guide.shape
    large = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))
    across, down = _slope(guide, 1), _slope(guide, 0)
    cells = _cells(picture, guide, (across, down), softness)
    band = max(1, PIXELS_AT_ONCE // width)
    result = np.empty_like(large)

    def finish(top: int) -> None:
        rows = slice(top, min(top + band, height))
        result[rows] = _finished(large[rows], cells, _Pixels.of(rows, guide, (across, down), cells))

    # numpy releases the interpreter lock while it computes, and the bands are independent.
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        deque(pool.map(finish, range(0, height, band)), maxlen=0)
    return result


def _cells(picture: Pixels, guide: Floats, slopes: tuple[Floats, Floats], softness: int) -> _Cells:
    height, width = (max(1, round(side / softness)) for side in picture.shape[:2])
    channels = [
        Image.fromarray(picture[..., channel].astype(np.float32)).resize(
            (width, height), Image.Resampling.BOX
        )
        for channel in range(3)
    ]
    rows, columns = _middles(height, guide.shape[0]), _middles(width, guide.shape[1])
    colours = np.stack([np.asarray(channel) for channel in channels], -1)
    # The depth at a point, not its mean: the mean over an edge is on no surface.
    middles = np.ix_(rows, columns)
    row, column = _owners(height, guide.shape[0]), _owners(width, guide.shape[1])
    here = np.ix_(row, column)
    plane = guide[middles][here]
    plane = plane + slopes[0][middles][here] * (np.arange(guide.shape[1], dtype=np.intp) - columns[column])
    plane = plane + slopes[1][middles][here] * (np.arange(guide.shape[0], dtype=np.intp) - rows[row])[:, None]
    on_it = (np.abs(guide - plane) < SAME_PLANE).astype(np.float32)
    share = np.asarray(Image.fromarray(on_it).resize((width, height), Image.Resampling.BOX))
    reach = REACH_SOFT if softness > 1 else REACH_SHARP
    pure = ((LEAST_PURE + share**PURITY) / (LEAST_PURE + 1)).astype(np.float32)
    return _Cells(colours, guide[middles], rows, columns, pure, reach)


def _middles(cells: int, pixels: int) -> Rows:
    """The pixel in the middle of each cell."""
    return ((np.arange(cells, dtype=np.intp) + 0.5) * pixels / cells).astype(np.intp).clip(0, pixels - 1)


def _owners(cells: int, pixels: int) -> Rows:
    """The cell that each pixel lies in."""
    return ((np.arange(pixels, dtype=np.intp) + 0.5) * cells / pixels).astype(np.intp).clip(0, cells - 1)


def _slope(guide: Floats, axis: int) -> Floats:
    """Change of depth from pixel to pixel; at an edge that of the flatter side."""
    step = np.diff(guide, axis=axis)
    if not step.size:
        return np.zeros_like(guide)
    before = np.concatenate([step.take([0], axis), step], axis)
    after = np.concatenate([step, step.take([-1], axis)], axis)
    return np.where(np.abs(before) < np.abs(after), before, after)


@dataclass(frozen=True, slots=True)
class _Pixels:
    """A band of output pixels (n, W): depth, its slopes per pixel, and their positions, also in the grid."""

    depth: Floats
    across: Floats
    down: Floats
    rows: Rows
    columns: Rows
    row: Floats
    column: Floats

    @classmethod
    def of(cls, rows: slice, guide: Floats, slopes: tuple[Floats, Floats], cells: _Cells) -> _Pixels:
        """The pixels of these rows of the guide."""
        (height, width), (cell_rows, cell_columns) = guide.shape, cells.depth.shape
        y, x = np.arange(rows.start, rows.stop, dtype=np.intp)[:, None], np.arange(width, dtype=np.intp)[None]
        row = ((y + 0.5) * cell_rows / height - 0.5).astype(np.float32)
        column = ((x + 0.5) * cell_columns / width - 0.5).astype(np.float32)
        return cls(guide[rows], slopes[0][rows], slopes[1][rows], y, x, row, column)

    def extremes(self, cells: _Cells) -> tuple[Floats, Floats]:
        """The greatest and the least depth among the same 4 x 4 cells."""
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(cells.depth, 2, mode="edge"), (4, 4))
        first = np.floor(self.row).astype(np.intp) + 1, np.floor(self.column).astype(np.intp) + 1
        return windows.max((2, 3))[first], windows.min((2, 3))[first]

    def neighbours(self, cells: _Cells) -> Iterator[tuple[Floats, Floats, Rows, Rows]]:
        """The 4 x 4 cells around each pixel: closeness, distance from the pixel's plane, row and column."""
        height, width = cells.depth.shape
        first_row, first_column = np.floor(self.row) - 1, np.floor(self.column) - 1
        for i in range(4):
            for j in range(4):
                row, column = first_row + i, first_column + j
                close = np.exp(-((row - self.row) ** 2 + (column - self.column) ** 2) / (2 * cells.reach**2))
                # Beyond the rim the last cell is repeated.
                rows = row.astype(np.intp).clip(0, height - 1)
                columns = column.astype(np.intp).clip(0, width - 1)
                across, down = cells.columns[columns] - self.columns, cells.rows[rows] - self.rows
                plane = self.depth + self.across * across + self.down * down
                yield close, (cells.depth[rows, columns] - plane).astype(np.float32), rows, columns


def _finished(large: Pixels, cells: _Cells, at: _Pixels) -> Pixels:
    nearest, farthest = at.extremes(cells)
    span = np.maximum(nearest - at.depth, at.depth - farthest)
    tolerance = np.maximum(SAME_PLANE, SAME_PLANE_SHARE * span)
    shape = (*at.depth.shape, 3)
    near, plain = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    weight, whole = np.zeros_like(at.depth), np.zeros_like(at.depth)
    for close, apart, rows, columns in at.neighbours(cells):
        belongs = close * np.exp(-((apart / tolerance) ** 2) / 2) * cells.pure[rows, columns]
        colours = cells.colours[rows, columns]
        near += belongs[..., None] * colours
        plain += close[..., None] * colours
        weight, whole = weight + belongs, whole + close
    alike = (weight / whole)[..., None]
    plain /= whole[..., None]
    gathered = near / np.maximum(weight, 1e-6)[..., None]
    certain = np.minimum(alike / CERTAIN, 1)
    # Texture is added inside surfaces only; at their rims the picture's own edge would show.
    texture = (large - plain) * alike**2
    return np.rint(np.clip(plain + certain * (gathered - plain) + texture, 0, 255)).astype(np.uint8)
