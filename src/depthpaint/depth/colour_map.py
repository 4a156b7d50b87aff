"""Depth that somebody painted with a colour map, turned back into numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.depth_map import ColourMapName

# Where a picture lies this close to a colour map, on average and but for its worst hundredth, it was painted
# with it. Distances in RGB, in 1/255: rounding to 8 bits alone gives 0.5, a photo 20 and more.
MEAN_LIMIT = 2.0
TAIL_LIMIT = 6.0

Colours = NDArray[np.float64]

# Positions in [0, 1] and the colours there; straight lines between. "bone" has the corners of matplotlib's
# map.
_CURVES: dict[ColourMapName, tuple[tuple[float, ...], tuple[tuple[float, float, float], ...]]] = {
    "gray": ((0.0, 1.0), ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))),
    "bone": (
        (0.0, 0.365079, 0.746032, 1.0),
        (
            (0.0, 0.0, 0.0),
            (0.365079 * 0.652778 / 0.746032, 0.319444, 0.444444),
            (0.652778, 0.777778, 0.444444 + (0.746032 - 0.365079) * 0.555556 / 0.634921),
            (1.0, 1.0, 1.0),
        ),
    ),
}
_ROWS_AT_ONCE = 1 << 20  # pixels


@dataclass(frozen=True, slots=True)
class Reading:
    """A picture read along a colour map.

    `values` is float32 (H, W), the position in the map in [0, 1]; `mean` and `tail` are the mean and the 99th
    percentile of the colours' distance from the map in 1/255.
    """

    name: ColourMapName
    values: NDArray[np.float32]
    mean: float
    tail: float

    @property
    def accepted(self) -> bool:
        """Whether the picture can be taken to be painted with this map."""
        return self.mean <= MEAN_LIMIT and self.tail <= TAIL_LIMIT

    @property
    def confidence(self) -> float:
        """1 for a picture that lies on the map, falling with its distance, 0.5 at the limit of acceptance."""
        return 1 / (1 + max(self.mean / MEAN_LIMIT, self.tail / TAIL_LIMIT))


def read_colours(picture: NDArray[np.uint8], counted: NDArray[np.bool_] | None = None) -> Reading:
    """Read a picture (H, W, 3) along the known colour map that is nearest to it.

    Only pixels that are `counted` (H, W) decide. A picture has few colours and many pixels, so colours are
    decoded once.
    """
    codes = picture[..., 0].astype(np.int32) << 16
    codes |= picture[..., 1].astype(np.int32) << 8
    codes |= picture[..., 2]
    present = np.zeros(1 << 24, dtype=np.bool_)
    present[codes.ravel()] = True
    unique = np.flatnonzero(present)
    weights = _counts(codes, unique, counted)
    colours = np.stack((unique >> 16, unique >> 8 & 255, unique & 255), axis=1) / 255.0  # (K, 3)
    best, best_mean, best_tail = None, float("inf"), float("inf")
    positions = np.zeros(len(unique))
    for name in _CURVES:
        along, distance = nearest_on_curve(name, colours)
        mean, tail = _weighted(distance * 255, weights)
        if mean < best_mean:
            best, best_mean, best_tail, positions = name, mean, tail, along
    table = np.zeros(1 << 24, dtype=np.float32)
    table[unique] = positions
    return Reading(best or "gray", table[codes], best_mean, best_tail)


def nearest_on_curve(name: ColourMapName, colours: Colours) -> tuple[Colours, Colours]:
    """Project colours (K, 3) in [0, 1] on a map: positions (K,) in [0, 1], and distances (K,) in RGB."""
    places, corners = (np.asarray(part) for part in _CURVES[name])
    along = np.zeros(len(colours))
    nearest = np.full(len(colours), np.inf)
    for k in range(len(places) - 1):
        step = corners[k + 1] - corners[k]
        share = np.clip((colours - corners[k]) @ step / (step @ step), 0, 1)
        distance = np.linalg.norm(colours - corners[k] - share[:, None] * step, axis=1)
        closer = distance < nearest
        nearest[closer] = distance[closer]
        along[closer] = (places[k] + share * (places[k + 1] - places[k]))[closer]
    return along, nearest


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


def _weighted(distance: Colours, weights: NDArray[np.intp]) -> tuple[float, float]:
    """Mean and 99th percentile of what occurs `weights` times each."""
    count = int(weights.sum())
    if count == 0:
        return 0.0, 0.0
    order = np.argsort(distance)
    rank = int(np.searchsorted(np.cumsum(weights[order]), 0.99 * count))
    return float(distance @ weights) / count, float(distance[order[min(rank, len(order) - 1)]])
