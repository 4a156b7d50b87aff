"""Draw a picture's edges where its depth map has them: gather colours along the surfaces of the depth."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

FINISHING = 2
"""Version of the method, in every record: a change of what it paints raises it."""
REACH_SHARP, REACH_SOFT = 0.55, 0.7
"""Standard deviation, in cells, of the kernel that gathers colours."""
SAME_PLANE, SAME_PLANE_SHARE = 0.006, 0.08
"""The largest distance from a plane that belongs to it: of the depth's range, and of the local span."""
FARTHEST = 3.0
"""Nothing counts that is farther from the plane than so many of these distances."""
PURITY, LEAST_PURE = 4.0, 0.02
"""The weight of a mixed cell, unless all are mixed."""
CERTAIN = 0.05
"""A pixel with less support from its surroundings than this partly keeps the plain colour."""
TAPS = 4
"""Cells in a row, and rows of them, that a pixel gathers from."""
STEP, STEEPER = 0.012, 2.5
"""An edge is a change of depth above STEP, and this much above the change beside it: a slope is no edge."""
BENT = 0.02
"""A bend of depth over four pixels that is an edge: of a thing that is thinner, its slope is not known."""
CONTRAST = 1.5
"""How much steeper an edge is drawn than the kernel that smooths it would draw it."""
KERNEL = (np.outer((1, 4, 6, 4, 1), (1, 4, 6, 4, 1)) / 256).astype(np.float32)


def enlarge_along_depth(picture: Pixels, guide: Floats, softness: int = 1, threads: int = 0) -> Pixels:
    """Resize `picture` (h, w, 3) to the guide's size, (H, W, 3), with colour edges at depth edges.

    `guide` is the depth (H, W) in [0, 1]. `softness` is the width of the picture's edges in pixels:
    colours are gathered from cells of that size. Where the surroundings are one plane the result equals
    Lanczos', with the picture's own texture. `threads` is the number of threads, 0 for one per core; the
    result does not depend on it.
    """
    size = guide.shape[1], guide.shape[0]
    workers = threads or os.cpu_count() or 1
    # numpy and Pillow release the interpreter lock while they compute.
    with ThreadPoolExecutor(workers) as pool:
        resized = pool.submit(Image.fromarray(picture).resize, size, Image.Resampling.LANCZOS)
        guide = _sharpened(np.ascontiguousarray(guide, dtype=np.float32))
        down, across = pool.map(_slope, (guide, guide), (0, 1))
        cells = _cells(picture, guide, (down, across), softness)
        large = np.asarray(resized.result())
        result = np.empty_like(large)
        bands = cells.down.bands()
        highest = max(band.stop - band.start for band in bands)

        def finish(first: int) -> None:
            space = np.empty((TAPS, TAPS, highest, guide.shape[1]), np.float32)
            for rows in bands[first::workers]:
                parts = large[rows], guide[rows], (down[rows], across[rows])
                result[rows] = _gathered(*parts, rows, cells, space)

        deque(pool.map(finish, range(workers)), maxlen=0)
    return _antialiased(result, guide)


def _sharpened(guide: Floats) -> Floats:
    """The guide with its blurred edges made steps: their pixels get the depth of the nearer side.

    Depth between two surfaces is on neither, and colours along it are those of no surface.
    """
    at = _edges(guide, 2)
    here = guide.ravel()[at]
    nearest, farthest = here.copy(), here.copy()
    for place in _around(at, guide):
        depth = guide.ravel()[place]
        np.maximum(nearest, depth, out=nearest)
        np.minimum(farthest, depth, out=farthest)
    sharp = guide.copy()
    sharp.ravel()[at] = np.where(nearest - here < here - farthest, nearest, farthest)
    return sharp


def _edges(guide: Floats, reach: int) -> Rows:
    """The pixels at which depth steps within `reach` to either side, and goes on less steeply beyond it.

    Numbers count pixels row by row.
    """
    height, width = guide.shape
    rim = 3 * reach
    wide = np.pad(guide, rim, mode="edge")
    flat, found = wide.ravel(), np.zeros(guide.size, np.bool_)
    for down, across in ((1, 0), (0, 1)):
        ends = [wide[rim + side * down :, rim + side * across :][:height, :width] for side in (-reach, reach)]
        at = np.flatnonzero(np.abs(ends[1] - ends[0]) > STEP)
        rows, columns = np.divmod(at, width)
        here, onward = (rows + rim) * wide.shape[1] + columns + rim, down * wide.shape[1] + across
        steps = [flat[here + k * reach * onward] for k in (-3, -1, 1, 3)]
        before, step, after = (later - earlier for earlier, later in pairwise(steps))
        # Only a change in the same direction goes on: a thin thing has a step up and one down.
        beside = np.maximum(np.sign(step) * before, np.sign(step) * after)
        found[at] |= np.abs(step) > STEEPER * np.maximum(beside, 0) + STEP
    return np.flatnonzero(found)


def _around(at: Rows, guide: Floats) -> Iterator[Rows]:
    """The 5 x 5 pixels around those with the numbers `at`, row by row; the rim is repeated."""
    height, width = guide.shape
    rows, columns = np.divmod(at, width)
    beside = [(columns + across).clip(0, width - 1) for across in range(-2, 3)]
    for down in range(-2, 3):
        row = (rows + down).clip(0, height - 1) * width
        yield from (row + column for column in beside)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where cells lie along one axis of the pixels.

    `middles` (cells) are the pixels in the middle of each; `taps` (4, pixels) the cells that a pixel gathers
    from; `weights` (4, pixels) sum to 1 for each pixel; `away` (4, pixels) are the distances of the taps'
    middles from the pixel, in pixels.
    """

    middles: Rows
    taps: Rows
    weights: Floats
    away: Floats

    @classmethod
    def of(cls, cells: int, pixels: int, reach: float) -> _Axis:
        """`reach` is the standard deviation of the weights, in cells."""
        middles = ((np.arange(cells) + 0.5) * pixels / cells).astype(np.intp).clip(0, pixels - 1)
        at = np.arange(pixels, dtype=np.intp)
        place = (at + 0.5) * cells / pixels - 0.5
        taps = np.floor(place) - 1 + np.arange(TAPS)[:, None]
        weights = np.exp(-((taps - place) ** 2) / (2 * reach**2))
        # Beyond the rim the last cell is repeated.
        taps = taps.astype(np.intp).clip(0, cells - 1)
        away = (middles[taps] - at).astype(np.float32)
        return cls(middles, taps, (weights / weights.sum(0)).astype(np.float32), away)

    def bands(self) -> list[slice]:
        """The pixels in groups that gather from the same cells."""
        changes = np.flatnonzero(np.diff(self.taps).any(0)) + 1
        return [slice(*map(int, each)) for each in pairwise([0, *changes, self.taps.shape[1]])]


@dataclass(frozen=True, slots=True)
class _Cells:
    """A grid of h rows of cells to gather from, each row spread out for the W pixels of a row.

    The cell at each of a pixel's taps across: the depth in its middle (h, 4, W), and its colour and 1, times
    its weight, (4, h, 4, W); a cell that is a mixture of several surfaces has little weight. `plain`
    (3, h, W) are the mean colours, whatever the depth.
    """

    weighted: Floats
    depth: Floats
    plain: Floats
    down: _Axis
    across: _Axis


def _cells(picture: Pixels, guide: Floats, slopes: tuple[Floats, Floats], softness: int) -> _Cells:
    height, width = (max(1, round(side / softness)) for side in picture.shape[:2])
    channels = [
        Image.fromarray(picture[..., channel].astype(np.float32)).resize(
            (width, height), Image.Resampling.BOX
        )
        for channel in range(3)
    ]
    reach = REACH_SOFT if softness > 1 else REACH_SHARP
    down, across = _Axis.of(height, guide.shape[0], reach), _Axis.of(width, guide.shape[1], reach)
    # The depth at a point, not its mean: the mean over an edge is on no surface.
    middles = np.ix_(down.middles, across.middles)
    row, beside = _owners(down)
    column, along = _owners(across)
    plane = (guide[middles][:, column] + slopes[1][middles][:, column] * along)[row]
    plane += slopes[0][middles][:, column][row] * beside[:, None]
    on_it = (np.abs(guide - plane) < SAME_PLANE).astype(np.float32)
    share = np.asarray(Image.fromarray(on_it).resize((width, height), Image.Resampling.BOX))
    pure = ((LEAST_PURE + share**PURITY) / (LEAST_PURE + 1)).astype(np.float32)
    colours = np.stack([*(np.asarray(channel) for channel in channels), np.ones_like(pure)])
    spread = colours[:, :, across.taps] * across.weights
    weighted = spread * pure[:, across.taps]
    return _Cells(weighted, guide[middles][:, across.taps], spread[:3].sum(2), down, across)


def _owners(axis: _Axis) -> tuple[Rows, Floats]:
    """The cell that each pixel lies in, and the pixel's distance from its middle."""
    cells, pixels = len(axis.middles), axis.taps.shape[1]
    at = np.arange(pixels, dtype=np.intp)
    owners = ((at + 0.5) * cells / pixels).astype(np.intp).clip(0, cells - 1)
    return owners, (at - axis.middles[owners]).astype(np.float32)


def _slope(guide: Floats, axis: int) -> Floats:
    """Change of depth from pixel to pixel, of the side on which depth is flatter and straighter.

    It is measured over four pixels: depth in whole steps of 1/255 has none from pixel to pixel.
    """
    if guide.shape[axis] < 5:
        return np.zeros_like(guide)
    first, middle, last = (
        guide[part] if axis == 0 else guide[:, part] for part in (np.s_[:-4], np.s_[2:-2], np.s_[4:])
    )
    rise, bend = (last - first) / 4, np.abs(first + last - 2 * middle)
    cost = np.abs(rise) + 2 * bend
    rise[bend > BENT] = 0
    rim = [(4, 4) if each == axis else (0, 0) for each in (0, 1)]
    rise, cost = np.pad(rise, rim, mode="edge"), np.pad(cost, rim, mode="edge")
    before, after = (np.s_[:-4], np.s_[4:]) if axis == 0 else (np.s_[:, :-4], np.s_[:, 4:])
    return np.where(cost[before] <= cost[after], rise[before], rise[after])


def _gathered(
    large: Pixels, depth: Floats, slopes: tuple[Floats, Floats], rows: slice, cells: _Cells, space: Floats
) -> Pixels:
    """A band of the picture: `large`, `depth` and its slopes (down, across) are of its `rows`."""
    taps, near_by = cells.down.taps[:, rows.start], cells.down.weights[:, rows]
    around = cells.depth[taps]
    span = around.max((0, 1)) - around.min((0, 1))
    # Distances from the pixel's plane are in units of the largest that counts.
    unit = 1 / (FARTHEST * np.maximum(SAME_PLANE, SAME_PLANE_SHARE * span))
    plane = (depth + slopes[1] * cells.across.away[:, None]) * unit
    slope = slopes[0] * unit
    around *= unit
    belongs = space[:, :, : len(depth)]
    np.subtract(around[:, :, None], plane, out=belongs)
    belongs -= (slope * cells.down.away[:, rows, None])[:, None]
    # (1 - x**2)**4, which is 0 beyond 1.
    np.multiply(belongs, belongs, out=belongs)
    np.subtract(1, belongs, out=belongs)
    np.clip(belongs, 0, 1, out=belongs)
    np.multiply(belongs, belongs, out=belongs)
    np.multiply(belongs, belongs, out=belongs)
    belongs *= near_by[:, None, :, None]
    *sums, alike = [np.einsum("ijnw,ijw->nw", belongs, each[taps]) for each in cells.weighted]
    gathered = np.stack(sums) / np.maximum(alike, 1e-6)
    plain = np.stack([np.einsum("iw,in->nw", each[taps], near_by) for each in cells.plain])
    certain = np.minimum(alike / CERTAIN, 1)
    # Texture is added inside surfaces only; at their rims the picture's own edge would show.
    texture = (large.transpose(2, 0, 1) - plain) * alike**2
    finished = plain + certain * (gathered - plain) + texture
    return np.rint(finished.clip(0, 255)).astype(np.uint8).transpose(1, 2, 0)


def _antialiased(picture: Pixels, guide: Floats) -> Pixels:
    """The picture with smooth contours at the steps of the guide.

    A pixel at a step gets a mixture of the mean colours of its two sides, in the shares of their areas.
    """
    at = _edges(guide, 1)
    if not at.size:
        return picture
    places = list(_around(at, guide))
    depths = [guide.ravel()[place] for place in places]
    middle = (np.maximum.reduce(depths) + np.minimum.reduce(depths)) / 2
    colours = picture.reshape(-1, 3)
    near, both = np.zeros((2, at.size, 3), np.float32)
    share = np.zeros(at.size, np.float32)
    for weight, place, depth in zip(KERNEL.ravel(), places, depths, strict=True):
        here = np.where(depth > middle, weight, np.float32(0))
        colour = colours[place].astype(np.float32)
        share += here
        near += here[:, None] * colour
        both += weight * colour
    far = (both - near) / (1 - share)[:, None]
    near /= share[:, None]
    mixed = ((share - 0.5) * CONTRAST + 0.5).clip(0, 1)[:, None]
    colours[at] = np.rint((far + mixed * (near - far)).clip(0, 255))
    return picture
