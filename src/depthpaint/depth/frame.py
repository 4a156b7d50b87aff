"""Detect what surrounds a map in a picture of 8 bits: letterbox bars, a frame, a page with a colour bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

SAME = 8  # of 255: the largest difference of colours within a bar (JPEG)
LEAST_BAR = 0.01  # of the side, and at least two pixels
LEAST_MAP = 0.15  # of the picture
MOST_OPEN = 0.25  # of a bar's edge where the map has its colour, too
MOST_SPINE = 4  # pixels of the line that plotting programs draw around a map


@dataclass(frozen=True, slots=True)
class Frame:
    """The map's box in pixels (right and bottom excluded), what else there is, where, and the confidence."""

    left: int
    top: int
    right: int
    bottom: int
    what: str
    confidence: float
    where: str = "around the map"

    def cut(self, array: NDArray[Any]) -> NDArray[Any]:
        """The part of `array` (H, W, ...) inside the frame."""
        return array[self.top : self.bottom, self.left : self.right]


def find_frame(picture: NDArray[Any]) -> Frame | None:
    """Find what surrounds the map in `picture`, (H, W) or (H, W, 3) of any real numbers, or None.

    Floats and numbers of 16 bits have none: an empty border is what a sensor did not measure. Bars count only
    in pairs: a sky may also be constant, but only at the top. A page counts if its background
    is visible on all four sides, around one large rectangle.
    """
    if picture.dtype.itemsize > 1 or picture.dtype.kind == "b" or min(picture.shape[:2]) < 8:
        return None
    paper = _like_corner(picture)
    if paper is None:
        return None
    bars = _bars(paper)
    height, width = paper.shape
    least = [max(2, round(LEAST_BAR * side)) for side in (height, width)]
    across = min(bars[0], bars[1]) >= least[0] and _alike(bars[0], bars[1])
    along = min(bars[2], bars[3]) >= least[1] and _alike(bars[2], bars[3])
    everywhere = all(
        bar >= side for bar, side in zip(bars, (least[0], least[0], *least[1:] * 2), strict=True)
    )
    if everywhere and not (across and along and _is_full(paper, bars)):
        return _panel(picture, paper)
    if not (across or along):
        return None
    top, bottom = (bars[0], height - bars[1]) if across else (0, height)
    left, right = (bars[2], width - bars[3]) if along else (0, width)
    inner = paper[top:bottom, left:right]
    edges = ([inner[0], inner[-1]] if across else []) + ([inner[:, 0], inner[:, -1]] if along else [])
    if any(float(edge.mean()) > MOST_OPEN for edge in edges):
        return None  # a thing on a background, which ends in no straight edge
    if (bottom - top) * (right - left) < LEAST_MAP * height * width:
        return None
    what = "a frame" if across and along else "letterbox bars" if across else "bars at both sides"
    return Frame(left, top, right, bottom, what, 0.95 if across and along else 0.85)


def _like_corner(picture: NDArray[Any]) -> Mask | None:
    """Where the picture has the colour of its corners, (H, W); None if its corners differ.

    Bytes may come from JPEG and are compared with a tolerance, other numbers exactly.
    """
    corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]]
    if picture.dtype != np.uint8:
        if not (corners == corners[0]).all():
            return None
        equal = picture == corners[0]
    else:
        low, high = (
            np.clip(corners[0].astype(np.int16) + side, 0, 255).astype(np.uint8) for side in (-SAME, SAME)
        )
        if not ((corners >= low) & (corners <= high)).all():
            return None
        equal = (picture >= low) & (picture <= high)
    return np.logical_and.reduce(equal, axis=-1) if equal.ndim == 3 else equal


def _bars(paper: Mask) -> tuple[int, int, int, int]:
    """The number of full rows and columns of background: top, bottom, left, right."""
    rows: Mask = ~np.logical_and.reduce(paper, axis=1)
    columns: Mask = ~np.logical_and.reduce(paper, axis=0)
    if not rows.any():
        return (0, 0, 0, 0)
    top, bottom, left, right = (int(np.argmax(side)) for side in (rows, rows[::-1], columns, columns[::-1]))
    return top, bottom, left, right


def _alike(first: int, second: int) -> bool:
    return abs(first - second) <= max(2, 0.1 * max(first, second))


def _is_full(paper: Mask, bars: tuple[int, int, int, int]) -> bool:
    """Whether the rest is all map: the background does not reach into it from a side."""
    top, bottom, left, right = bars
    inner = paper[top : len(paper) - bottom, left : paper.shape[1] - right]
    rims = (inner[0], inner[-1], inner[:, 0], inner[:, -1])
    return all(float(rim.mean()) < 0.5 for rim in rims)


def _panel(picture: NDArray[Any], paper: Mask) -> Frame | None:
    """The largest rectangle on a page: the widest run of columns that are full, and its full rows."""
    content = ~paper
    left, right = _widest_run(content.mean(axis=0))
    top, bottom = _widest_run(content[:, left:right].mean(axis=1))
    left, right = _widest_run(content[top:bottom].mean(axis=0))
    box = content[top:bottom, left:right]
    if box.mean() < 0.9 or not _has_corners(box):
        return None
    top, bottom, left, right = _down_the_spine(content, (top, bottom, left, right))
    if (bottom - top) * (right - left) < LEAST_MAP * content.size:
        return None
    top, bottom, left, right = _without_spine(picture, (top, bottom, left, right))
    beside = content.copy()
    beside[
        max(0, top - MOST_SPINE - 1) : bottom + MOST_SPINE + 1, left - MOST_SPINE - 1 : right + MOST_SPINE + 1
    ] = False
    what = "a page with a colour bar or text" if beside.any() else "a page"
    return Frame(left, top, right, bottom, what, 0.9)


def _has_corners(box: Mask) -> bool:
    """Whether the content of `box` is a rectangle and not round: three of its corners are filled."""
    rows, columns = max(1, box.shape[0] // 20), max(1, box.shape[1] // 20)
    corners = (box[:rows, :columns], box[:rows, -columns:], box[-rows:, :columns], box[-rows:, -columns:])
    return sum(float(corner.mean()) > 0.5 for corner in corners) >= 3


def _widest_run(shares: NDArray[np.floating[Any]]) -> tuple[int, int]:
    full = np.concatenate(([False], shares >= 0.6 * shares.max(), [False]))
    ends = np.flatnonzero(full[1:] != full[:-1])
    starts, stops = ends[::2], ends[1::2]
    widest = int(np.argmax(stops - starts))
    return int(starts[widest]), int(stops[widest])


def _without_spine(picture: NDArray[Any], box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Remove the line drawn around a map: rows of one colour, unlike what follows.

    The line is equally thick on every side, but may be visible on one only, where the others are as dark.
    """
    top, bottom, left, right = box
    inside = picture[top:bottom, left:right].astype(np.float32)
    if inside.ndim == 3:
        inside = inside.mean(axis=-1)
    span = float(inside.max() - inside.min())
    thick = 0
    for rows in (inside, inside[::-1], inside.T, inside.T[::-1]):
        behind = np.median(rows[MOST_SPINE + 1])
        for k, row in enumerate(rows[:MOST_SPINE]):
            calm = bool(np.ptp(np.quantile(row, (0.05, 0.95))) <= 0.06 * span)
            if calm and np.abs(np.median(row) - behind) > 0.15 * span:
                thick = max(thick, k + 2)  # and one more, in which the line is blended with the map
    return top + thick, bottom - thick, left + thick, right - thick


def _down_the_spine(content: Mask, box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Extend a box along the line around the map: a map may end in the background's colour."""
    top, bottom, left, right = box
    rails: Mask = np.logical_or.reduce(content[:, left : left + 3], axis=1)
    rails = rails & np.logical_or.reduce(content[:, right - 3 : right], axis=1)
    while top > 0 and rails[top - 1]:
        top -= 1
    while bottom < len(rails) and rails[bottom]:
        bottom += 1
    return top, bottom, left, right
