"""Colours between two depths, as at antialiased edges, which lie on no colour map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.colour_map import Reading

Floats = NDArray[np.float32]
REACH = 3
_ROWS_AT_ONCE = 256


def repaired(
    picture: NDArray[np.uint8], reading: Reading, limit: float, unlike: float = np.inf
) -> tuple[Floats, float]:
    """The depths (H, W) of `reading`, with those of mixed colours taken from a neighbour; and their share.

    A mix of two colours of a map lies beside the map, and the nearest point on it may be a depth that is at
    neither side of the edge. Where a colour lies further than `limit` (in 1/255) from the map, the depth is
    that of the pixel, among those on the map within `REACH`, whose brightness is closest,
    if it is closer than `unlike` (in 1/255 and half the pixels between them).
    """
    mixed = reading.distance > limit
    share = float(mixed.mean())
    if share == 0 or mixed.all():
        return reading.values, share
    values = reading.values.copy()
    brightness = picture @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    height = len(mixed)
    for top in range(0, height, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, height)
        rows, columns = np.nonzero(mixed[top:bottom])
        _adopt(values, reading.values, mixed, brightness, (rows + top, columns), unlike)
    return values, share


def _adopt(
    values: Floats, original: Floats, mixed: NDArray[np.bool_], brightness: Floats,
    places: tuple[NDArray[np.intp], NDArray[np.intp]], unlike: float,
) -> None:  # fmt: skip
    """Give each of `places` the depth of its most alike neighbour that lies on the map."""
    rows, columns = places
    height, width = mixed.shape
    best = np.full(len(rows), unlike, dtype=np.float32)
    for down in range(-REACH, REACH + 1):
        for right in range(-REACH, REACH + 1):
            y, x = (rows + down).clip(0, height - 1), (columns + right).clip(0, width - 1)
            # Among equally bright ones the nearer neighbour.
            apart = np.abs(brightness[y, x] - brightness[rows, columns]) + 0.5 * np.hypot(down, right)
            better = ~mixed[y, x] & (apart < best)
            best[better] = apart[better]
            values[rows[better], columns[better]] = original[y[better], x[better]]
