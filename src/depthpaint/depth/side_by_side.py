"""Detect two pictures in one of 8 bits: a photo and its depth map, side by side or one above the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.colour_map import NEARLY_GRAY, ColourMapName, Reading, read_colours
from depthpaint.depth.frame import MOST_OPEN, SAME, Frame

Pixels = NDArray[np.uint8]

JUMP = 12  # of 255
MOST_LINES, MOST_READ = 256, 96
"""Rows, or columns, that are examined for a seam, and pixels a side that are read along a colour map."""
LEAST_LINES, MOST_ELSEWHERE = 0.6, 0.5
"""The share of the lines that jump at the seam; how much of its mean jump 98 % of the others may reach."""
LEAST_LINES_WEAK, MOST_ELSEWHERE_WEAK = 0.35, 0.8
"""The same where one half is on a colour map and the other is not."""
LEAST_TEXTURE = 6.0
"""Standard deviation of brightness along the seam on one of its sides: a horizon has none on either."""
LEAST_GAP = 2
RIPPLE, RAGGED = 40, 8
"""In JPEGs: the largest difference of colours within a gap, and pixels by which it may be off the middle."""
LEAST_SIDE = 24
BLURRED = 16
"""Pixels beside the seam that JPEG's blocks of colour mix."""
FEW_COLOURS = 1024
"""A lossless picture with fewer is a drawing or another map; photos have many thousands."""
ALIKE = 0.9
"""Correlation of brightness: a photo with itself in gray."""
SURE = 0.8


@dataclass(frozen=True, slots=True)
class Halves:
    """Two boxes of one size (left, top, right, bottom); `beside`: side by side, else above each other."""

    first: Frame
    second: Frame
    beside: bool


def depth_half(name: str, picture: NDArray[Any], only: ColourMapName | None, *, lossy: bool) -> Frame | None:
    """The half of `picture`, (H, W) or (H, W, 3), that is depth where the other half is a photo, or None.

    Raises DepthError if there are two pictures, and either may be the depth map.
    """
    if picture.dtype != np.uint8 or min(picture.shape[:2]) < LEAST_SIDE:
        return None
    strict = find_halves(picture, lossy=lossy)
    if strict is not None and picture.ndim == 2:
        raise _two(name, strict)
    halves = strict or (find_halves(picture, lossy=lossy, weak=True) if picture.ndim == 3 else None)
    if halves is None:
        return None
    readings = [_reading(picture, half, halves, only, lossy=lossy) for half in (halves.first, halves.second)]
    on_a_map = [reading.accepted for reading in readings]
    if not any(on_a_map):
        return None
    if all(on_a_map):
        coloured = [reading.name not in NEARLY_GRAY for reading in readings]
        if coloured[0] != coloured[1]:
            return _named(halves, coloured[1], lossy=lossy)
        if strict is None:
            return None
        raise _two(name, halves)
    other = (halves.first if on_a_map[1] else halves.second).cut(picture)
    if _alike(halves, picture):
        return None
    if not lossy and _colours(other) < FEW_COLOURS:
        raise _two(name, halves)
    return _named(halves, on_a_map[1], lossy=lossy)


def find_halves(picture: Pixels, *, lossy: bool = False, weak: bool = False) -> Halves | None:
    """Two pictures of one size with a sharp seam or a gap of one colour between them, or None.

    `weak` takes less sharp seams, too.
    """
    for beside in (True, False):
        turned = picture if beside else picture.swapaxes(0, 1)
        ends = _gap(turned, lossy=lossy, weak=weak) or _seam(turned, weak=weak)
        if ends is not None:
            height, width = turned.shape[:2]
            boxes = [(0, 0, ends[0], height), (ends[1], 0, width, height)]
            if not beside:
                boxes = [(top, left, bottom, right) for left, top, right, bottom in boxes]
            first, second = (Frame(*box, "a picture", SURE) for box in boxes)
            return Halves(first, second, beside)
    return None


def _gap(picture: Pixels, *, lossy: bool, weak: bool) -> tuple[int, int] | None:
    """The columns of one colour in the middle of the picture, (H, W) or (H, W, 3): first, and one behind."""
    height, width = picture.shape[:2]
    some = picture[:: max(1, height // MOST_LINES)]
    column = some[:, width // 2].astype(np.int16)
    middle, most = np.median(column, axis=0), RIPPLE if lossy else SAME
    if (np.abs(column - middle) > most).any():  # which spares most pictures the rest
        return None
    some = some.astype(np.int16)
    alike = np.abs(some - middle) <= most
    alike = alike if alike.ndim == 2 else alike.all(axis=-1)
    full = alike.all(axis=0)
    left = width // 2 - int(np.argmin(full[: width // 2 + 1][::-1])) + 1
    right = width // 2 + int(np.argmin(full[width // 2 :]))
    ragged = abs(left - (width - right)) > (RAGGED if lossy else 1)
    if full.all() or right - left < LEAST_GAP or ragged or left < LEAST_SIDE:
        return None
    if lossy:
        left = min(left, width - right)
        right = width - left
    edges = max(float(alike[:, left - 1].mean()), float(alike[:, right].mean()))
    # A smooth map is also alike near its middle, but leaves that colour without a jump.
    outside, inside = (some[:, [a, b]] for a, b in ((left - 1, right), (left, right - 1)))
    jumps = np.abs(outside - inside).reshape(len(some), 2, -1).max(axis=2) > JUMP
    if jumps.mean(axis=0).min() < LEAST_LINES_WEAK:
        return None
    return None if edges > MOST_OPEN and not weak else (left, right)


def _seam(picture: Pixels, *, weak: bool) -> tuple[int, int] | None:
    """The middle of the picture, if nearly all rows jump there as they do nearly nowhere else."""
    height, width = picture.shape[:2]
    if width % 2 or width < 2 * LEAST_SIDE:
        return None
    middle = width // 2
    lines, most = (LEAST_LINES_WEAK, MOST_ELSEWHERE_WEAK) if weak else (LEAST_LINES, MOST_ELSEWHERE)
    some = picture[:: max(1, height // MOST_LINES)]
    if (_jumps(some[:, middle - 1 : middle + 1]) > JUMP).mean() < lines:
        return None
    means = _jumps(some).mean(axis=0)
    elsewhere = float(np.quantile(np.delete(means, [middle - 2, middle - 1, middle]), 0.98))
    if elsewhere > most * means[middle - 1]:
        return None
    sides = some[:, [middle - 1, middle]].reshape(len(some), 2, -1).mean(axis=2)
    return (middle, middle) if sides.std(axis=0).max() > LEAST_TEXTURE else None


def _jumps(lines: NDArray[Any]) -> NDArray[np.int16]:
    """The largest difference between neighbours in rows, (H, W - 1)."""
    jumps = np.abs(np.diff(lines.astype(np.int16), axis=1))
    return jumps if jumps.ndim == 2 else jumps.max(axis=-1)


def _reading(
    picture: Pixels, half: Frame, halves: Halves, only: ColourMapName | None, *, lossy: bool
) -> Reading:
    inner = (_trimmed(half, halves) if lossy else half).cut(picture)
    step = max(1, min(inner.shape[:2]) // MOST_READ)
    return read_colours(np.ascontiguousarray(inner[::step, ::step]), None, only, lossy=lossy)


def _trimmed(half: Frame, halves: Halves) -> Frame:
    """Without the pixels at the seam that JPEG mixes."""
    left, top, right, bottom = half.left, half.top, half.right, half.bottom
    inner = half == halves.second
    across, down = (BLURRED, 0) if halves.beside else (0, BLURRED)
    if inner:
        left, top = left + across, top + down
    else:
        right, bottom = right - across, bottom - down
    return Frame(left, top, right, bottom, half.what, half.confidence, half.where)


def _named(halves: Halves, second: bool, *, lossy: bool) -> Frame:
    half = halves.second if second else halves.first
    box = _trimmed(half, halves) if lossy else half
    where = "beside the map" if halves.beside else "above the map" if second else "below the map"
    return Frame(box.left, box.top, box.right, box.bottom, "a picture", SURE, where)


def _alike(halves: Halves, picture: Pixels) -> bool:
    """Whether both halves are the same picture, one of them without its colours."""
    parts = [half.cut(picture).mean(axis=-1) for half in (halves.first, halves.second)]
    height, width = (min(sides) for sides in zip(*(part.shape for part in parts), strict=True))
    first, second = (part[:height, :width].ravel() for part in parts)
    if min(first.std(), second.std()) == 0:
        return False
    return bool(np.corrcoef(first, second)[0, 1] > ALIKE)


def _colours(picture: Pixels) -> int:
    codes = picture.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    return len(np.unique(codes))


def _two(name: str, halves: Halves) -> DepthError:
    first, second = (
        f"{each.left},{each.top},{each.right},{each.bottom}" for each in (halves.first, halves.second)
    )
    where = "side by side" if halves.beside else "one above the other"
    return DepthError(
        f"{name} holds two pictures {where}, and either may be the depth map",
        code=ErrorCode.DEPTH_AMBIGUOUS,
        remedy=f"take one with --frame {first} or --frame {second}; --frame keep takes all as one map",
        value=f"{first} {second}",
    )
