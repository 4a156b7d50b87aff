"""How alike two depth maps are in what lies beside what, apart from "near below, far above"."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.ranks import ranks

Floats = NDArray[np.floating]

NEIGHBOURHOOD = 1 / 8
"""Half the side of the square that a pixel is compared with, of the root of the map's area."""


def detail_correlation(wanted: Floats, found: Floats, valid: NDArray[np.bool_] | None = None) -> float:
    """Correlation, in [-1, 1], of how much nearer each pixel is than its surroundings; 0 where all is flat.

    Maps (H, W) of any scale, compared where `valid`. Ranks stand for depths, as in Spearman's correlation. On
    most pictures the ground is near below and the sky far above, so that any two maps have a high rank
    correlation; the mean of the surroundings takes that away, and what stays tells right from wrong maps.
    """
    counted = np.ones(wanted.shape, np.bool_) if valid is None else valid
    first, second = (_beside_surroundings(side, counted) for side in (wanted, found))
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    # Of ranks in [0, 1] less is what rounding leaves.
    return float(first @ second) / size if size > 1e-12 * len(first) else 0.0


def _beside_surroundings(depth: Floats, counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Ranks in [0, 1] of the counted pixels (N,), less the mean rank of the counted ones around."""
    order = np.zeros(depth.shape)
    order[counted] = ranks(depth[counted]) / max(1, np.count_nonzero(counted))
    half = max(1, round(NEIGHBOURHOOD * float(np.sqrt(depth.size))))
    around = _sums(order, half) / np.maximum(1, _sums(counted.astype(np.float64), half))
    return (order - around)[counted]


def _sums(values: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """Sum over the square of side 2 half + 1 around each pixel, as far as it lies on the map."""
    height, width = values.shape
    corner = np.zeros((height + 1, width + 1))
    corner[1:, 1:] = values.cumsum(0).cumsum(1)
    rows: NDArray[np.int64] = np.arange(height, dtype=np.int64)
    columns: NDArray[np.int64] = np.arange(width, dtype=np.int64)
    top, bottom = np.maximum(rows - half, 0)[:, None], np.minimum(rows + half + 1, height)[:, None]
    left, right = np.maximum(columns - half, 0), np.minimum(columns + half + 1, width)
    return corner[bottom, right] - corner[top, right] - corner[bottom, left] + corner[top, left]
