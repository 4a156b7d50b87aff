"""Convert depth drawn with a colour map back to numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.regular_file import require_digest

ColourMapName = Literal[
    "gray", "bone", "jet", "turbo", "rainbow", "hsv", "viridis", "plasma", "inferno", "magma", "cividis",
    "hot", "coolwarm", "Spectral", "realsense",
]  # fmt: skip
NAMES: tuple[ColourMapName, ...] = get_args(ColourMapName)
NEARLY_GRAY: frozenset[ColourMapName] = frozenset({"gray", "bone"})
"""Maps that a pale photo may also resemble; accepted only if the colours fit well."""
LIKE_ANOTHER: dict[ColourMapName, float] = {"realsense": 1.0}
"""By how much the mean distance of a map has to be smaller: RealSense's lies along jet but for its ends."""
BLACK, BLACK_LOSSY, FAR_FROM_BLACK = 0.0, 20.0, 40.0
"""Distances from black. On a map whose colours are all far from it, black means that nothing was measured."""
LEAST_COLOURED = 0.01
"""Of the picture, beside what is black."""

Colours = NDArray[np.float32]
Floats = NDArray[np.float32]

PICTURE = Path(__file__).with_name("colour_maps.png")
"""One row per map, so that the table can be viewed."""
DIGEST = "ec83f94db659fdd1e85fba7bf09d8a100e9f4dbb57fd0c27020f77939a4b5d4b"


@cache
def colours_of(name: ColourMapName, swapped: bool = False) -> Colours:
    """The map's colours from its first to its last: float32 (256, 3) in [0, 255].

    `swapped` exchanges red and blue, as a program that confuses RGB and BGR does. A map and its reverse
    ("_r") are the same line in colour space; which end is near is decided elsewhere.
    """
    table = _table()[NAMES.index(name)]
    return table[:, ::-1] if swapped else table


@cache
def _table() -> Colours:
    require_digest("the depth doctor", PICTURE, DIGEST)
    with PICTURE.open("rb") as file:
        return np.asarray(Image.open(file, formats=("PNG",)).convert("RGB")).astype(np.float32)


# Distances are Euclidean in RGB, in 1/255. Measured on rendered scenes (docs/explanation/depth.md):
# colour-mapped depth is 0 to 1 from its map, 2 to 4 after JPEG at quality 90 to 50, and other pictures 20 to
# 60 from every map.
MEAN_LIMIT = 8.0
STRICT_MEAN_LIMIT, STRICT_TAIL_LIMIT = 4.0, 16.0
ON_THE_LINE = 16.0
LEAST_ON_THE_LINE = 0.9

# What colours on a map have to be like to be depth, from doctor_bench's maps and pictures that are no depth.
FEWEST_DEPTHS, RARE = 16, 1e-4
"""Different depths of a map, each on this share of it at least; drawings have a few flat colours."""
SMOOTH, SLIGHT, FEWEST_STEPS = 0.5, 8, 64
"""The least share of slight steps (of 255) between neighbours; with fewer, distance counts more."""
OFF, MOST_OFF_GRAY = 40.0, 0.0005
"""The distance of colours that have nothing to do with a map, and their largest share beside gray."""
LEAST_CALM, LEAST_CLOSE, MOST_OFF_RESTLESS = 0.7, 0.7, 0.005
"""With fewer slight steps and less confidence than these, no more than the last may be off: lines, text."""
LEAST_BESIDE_BLACK = 0.6
"""Confidence of what is drawn on black."""
_LINES = 256  # rows, and columns, whose steps are examined

# Brightness and, at three tenths of their weight, both colour differences of ITU-T T.871 (JFIF), from RGB.
_JPEG = np.array(
    [[0.299, 0.587, 0.114], [-0.0506, -0.0994, 0.15], [0.15, -0.1256, -0.0244]], dtype=np.float32
).T

_SAMPLE = 16_384  # colours that decide which map it is
_COLOURS_AT_ONCE = 1 << 15
_ROWS_AT_ONCE = 1 << 20  # pixels


@dataclass(frozen=True, slots=True)
class Reading:
    """A picture converted along a colour map.

    `values` is float32 (H, W), the position in the map in [0, 1], NaN where the picture is black and the map
    has no black; `distance` float32 (H, W) how far the colours lie from the map, in 1/255. Of the rest,
    `mean` and `tail` are its mean and 99th percentile, `share` is how much of the picture lies within
    `ON_THE_LINE`, `off` how much is further than `OFF`, `depths` how many different ones there are (of 256),
    `smooth` the share of slight steps. `black` is the share of that black. `swapped`: red and blue are
    exchanged.
    """

    name: ColourMapName
    swapped: bool
    values: NDArray[np.float32]
    distance: NDArray[np.float32]
    mean: float
    tail: float
    share: float
    off: float
    depths: int
    smooth: float
    black: float

    @property
    def confidence(self) -> float:
        """1 for a picture on the map, falling with its distance and with jumps, 0.5 at the limit."""
        if self.name in NEARLY_GRAY:
            worst = max(self.mean / STRICT_MEAN_LIMIT, self.tail / STRICT_TAIL_LIMIT)
        else:
            worst = max(self.mean / MEAN_LIMIT, (1 - self.share) / (1 - LEAST_ON_THE_LINE))
        return 1 / (1 + worst / max(min(1.0, self.smooth / SMOOTH), 1e-6))

    @property
    def doubt(self) -> str:
        """Why the picture cannot be assumed to be drawn with this map, "" if it can."""
        if self.depths < FEWEST_DEPTHS:
            return f"it has {self.depths} flat colours, as a drawing"
        doubtful = self.smooth < LEAST_CALM and self.confidence < LEAST_CLOSE
        restless = doubtful and self.off > MOST_OFF_RESTLESS
        if restless or (self.name in NEARLY_GRAY and self.off > MOST_OFF_GRAY):
            return f"{self.off:.2%} of it has colours far from the map"
        if self.confidence < (LEAST_BESIDE_BLACK if self.black > 0 else 0.5):
            return (
                "its colours jump, as in a drawing" if self.smooth < SMOOTH else "its colours are off the map"
            )
        return ""

    @property
    def accepted(self) -> bool:
        """Whether the picture can be assumed to be drawn with this map."""
        return not self.doubt


def read_colours(
    picture: NDArray[np.uint8],
    counted: NDArray[np.bool_] | None = None,
    only: ColourMapName | None = None,
    *,
    lossy: bool = False,
) -> Reading:
    """Convert a picture (H, W, 3) along the nearest known colour map, or along `only`.

    Only pixels that are `counted` (H, W) decide which map it is. A `lossy` picture went through JPEG, which
    keeps brightness sharp and blurs colour: brightness then has more weight in the position on the map.
    A picture has few colours and many pixels, so each colour is converted once.
    """
    codes = picture[..., 0].astype(np.int32) << 16
    codes |= picture[..., 1].astype(np.int32) << 8
    codes |= picture[..., 2]
    present = np.zeros(1 << 24, dtype=np.bool_)
    present[codes.ravel()] = True
    unique = np.flatnonzero(present)
    weights = _counts(codes, unique, counted)
    colours = np.stack((unique >> 16, unique >> 8 & 255, unique & 255), axis=1).astype(np.float32)  # (K, 3)
    black = np.linalg.norm(colours, axis=1) <= (BLACK_LOSSY if lossy else BLACK)
    if weights[~black].sum() < LEAST_COLOURED * weights.sum():
        black[:] = False
    name, swapped = _nearest_map(colours, weights, black, (only,) if only else NAMES)
    table = colours_of(name, swapped)
    positions, distances = nearest_on_map(table, colours)
    if lossy:
        positions, _ = nearest_on_map(table @ _JPEG, colours @ _JPEG)
    nothing = black & _has_no_black(name)
    black_share = float(weights[nothing].sum()) / max(1, int(weights.sum()))
    positions[nothing], distances[nothing] = np.nan, 0
    weights = weights * ~nothing
    mean, tail, share = _summary(distances, weights)
    total = max(1, int(weights.sum()))
    levels = np.rint(np.nan_to_num(positions) * 255).astype(np.intp)
    values = _spread(unique, positions, codes)
    return Reading(
        name, swapped, values, _spread(unique, distances, codes), mean, tail, share,
        off=float(weights[distances > OFF].sum()) / total,
        depths=int(np.count_nonzero(np.bincount(levels, weights, minlength=256) > RARE * total)),
        smooth=_slight_steps(values), black=black_share,
    )  # fmt: skip


def _slight_steps(values: Floats) -> float:
    """The share of slight steps among the steps between neighbours of `values` (H, W); 1 if there are few."""
    rows = values[:: max(1, values.shape[0] // _LINES)]
    columns = values[:, :: max(1, values.shape[1] // _LINES)]
    steps = np.abs(np.concatenate([np.diff(rows, axis=1).ravel(), np.diff(columns, axis=0).ravel()])) * 255
    steps = steps[steps > 0]  # NaN is not
    return 1.0 if steps.size < FEWEST_STEPS else float((steps <= SLIGHT).mean())


@cache
def _has_no_black(name: ColourMapName) -> bool:
    return bool(np.linalg.norm(colours_of(name), axis=1).min() > FAR_FROM_BLACK)


def nearest_on_map(table: Colours, colours: Colours) -> tuple[Colours, Colours]:
    """Project colours (K, 3) onto the line through a map's colours (256, 3), both in [0, 255].

    Returns positions (K,) in [0, 1] and distances (K,). First the nearest of the map's own colours, then the
    nearest point of the two pieces of line beside it.
    """
    positions, distances = np.empty(len(colours), np.float32), np.empty(len(colours), np.float32)
    steps = np.diff(table, axis=0)
    lengths = np.maximum((steps**2).sum(axis=1), 1e-9)
    for start in range(0, len(colours), _COLOURS_AT_ONCE):
        block = colours[start : start + _COLOURS_AT_ONCE]
        nearest = np.argmin((table**2).sum(axis=1) - 2 * block @ table.T, axis=1)
        along, away = nearest.astype(np.float32), np.linalg.norm(block - table[nearest], axis=1)
        for piece in (nearest - 1, nearest):
            piece = piece.clip(0, len(steps) - 1)
            share = (((block - table[piece]) * steps[piece]).sum(axis=1) / lengths[piece]).clip(0, 1)
            distance = np.linalg.norm(block - table[piece] - share[:, None] * steps[piece], axis=1)
            closer = distance < away
            along[closer], away[closer] = (piece + share)[closer], distance[closer]
        positions[start : start + len(block)] = along / (len(table) - 1)
        distances[start : start + len(block)] = away
    return positions, distances


def _nearest_map(
    colours: Colours, weights: NDArray[np.intp], black: NDArray[np.bool_], names: tuple[ColourMapName, ...]
) -> tuple[ColourMapName, bool]:
    """The map nearest to a sample of the picture's colours, and whether red and blue are swapped.

    `black` (K,) are the colours that do not count for maps without black.
    """
    if len(colours) > _SAMPLE:
        # Evenly over the pixels sorted by colour: frequent colours are drawn more often.
        places = np.linspace(0, int(weights.sum()) - 1, _SAMPLE)
        drawn = np.unique(np.searchsorted(np.cumsum(weights), places, side="right"))
        colours, weights, black = colours[drawn], weights[drawn], black[drawn]
    candidates: list[tuple[float, bool, ColourMapName]] = []
    for name in names:
        counted = weights * ~black if _has_no_black(name) else weights
        for swapped in (False, True) if name != "gray" else (False,):
            _, distances = nearest_on_map(colours_of(name, swapped), colours)
            # A swapped map has to fit clearly better: swapped jet and hsv are nearly their own reverses.
            handicap = LIKE_ANOTHER.get(name, 0.0) + (2.0 if swapped else 0.0)
            candidates.append((_summary(distances, counted)[0] + handicap, swapped, name))
    _, swapped, name = min(candidates)
    return name, swapped


def _spread(unique: NDArray[np.intp], values: Colours, codes: NDArray[np.int32]) -> NDArray[np.float32]:
    table = np.zeros(1 << 24, dtype=np.float32)
    table[unique] = values
    return table[codes]


def _counts(
    codes: NDArray[np.int32], unique: NDArray[np.intp], counted: NDArray[np.bool_] | None
) -> NDArray[np.intp]:
    """How many counted pixels each unique colour has, (K,), in row blocks to bound the memory."""
    rank = np.zeros(1 << 24, dtype=np.int32)
    rank[unique] = np.arange(len(unique), dtype=np.int32)
    total = np.zeros(len(unique), dtype=np.intp)
    rows = max(1, _ROWS_AT_ONCE // codes.shape[1])
    for top in range(0, len(codes), rows):
        block = codes[top : top + rows]
        block = block.ravel() if counted is None else block[counted[top : top + rows]]
        total += np.bincount(rank[block], minlength=len(unique))
    return total


def _summary(distance: Colours, weights: NDArray[np.intp]) -> tuple[float, float, float]:
    """Mean, 99th percentile and share within ON_THE_LINE of what occurs `weights` times each."""
    count = int(weights.sum())
    if count == 0:
        return 0.0, 0.0, 1.0
    order = np.argsort(distance)
    rank = int(np.searchsorted(np.cumsum(weights[order]), 0.99 * count))
    mean = float(distance.astype(np.float64) @ weights) / count
    share = float(weights[distance <= ON_THE_LINE].sum()) / count
    return mean, float(distance[order[min(rank, len(order) - 1)]]), share


REACH = 3
_MIXED_ROWS_AT_ONCE = 256


def repaired(
    picture: NDArray[np.uint8], reading: Reading, limit: float, unlike: float = np.inf
) -> tuple[Floats, float]:
    """The depths (H, W) of `reading`, with those of mixed colours replaced from a neighbour; and their share.

    A mix of two colours of a map is off the map, and the nearest point on it may be a depth of neither side
    of the edge. Where a colour is further than `limit` (in 1/255) from the map, the depth is that of the
    pixel, among those on the map within `REACH`, whose brightness is closest, if it is closer than `unlike`
    (in 1/255 and half the pixels between them).
    """
    mixed = reading.distance > limit
    share = float(mixed.mean())
    if share == 0 or mixed.all():
        return reading.values, share
    values = reading.values.copy()
    brightness = picture @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    height = len(mixed)
    for top in range(0, height, _MIXED_ROWS_AT_ONCE):
        bottom = min(top + _MIXED_ROWS_AT_ONCE, height)
        rows, columns = np.nonzero(mixed[top:bottom])
        _adopt(values, reading.values, mixed, brightness, (rows + top, columns), unlike)
    return values, share


def _adopt(
    values: Floats, original: Floats, mixed: NDArray[np.bool_], brightness: Floats,
    places: tuple[NDArray[np.intp], NDArray[np.intp]], unlike: float,
) -> None:  # fmt: skip
    """Give each of `places` the depth of its most similar neighbour on the map."""
    rows, columns = places
    height, width = mixed.shape
    best = np.full(len(rows), unlike, dtype=np.float32)
    for down in range(-REACH, REACH + 1):
        for right in range(-REACH, REACH + 1):
            y, x = (rows + down).clip(0, height - 1), (columns + right).clip(0, width - 1)
            # Among equally bright ones the nearest.
            apart = np.abs(brightness[y, x] - brightness[rows, columns]) + 0.5 * np.hypot(down, right)
            better = ~mixed[y, x] & (apart < best)
            best[better] = apart[better]
            values[rows[better], columns[better]] = original[y[better], x[better]]
