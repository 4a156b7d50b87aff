"""How alike two depth maps are, when neither scale nor shift of one of them means anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
FLOOR = 1e-3
"""Disparity below this counts as this, where a ratio is taken: the far plane has no ratio to anything."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Scores of an estimated disparity beside the wanted one.

    `rank_correlation` is Spearman's, in [-1, 1]: blind to every monotone change. The others follow an affine
    alignment by least squares (Ranftl et al. 1907.01341, eq. 4): `affine_rmse` in units of disparity in [0,
    1], `rmse_8bit` the same times 255, `abs_rel` the mean of |error| / wanted, `delta_1_25` the share of
    pixels whose ratio is below 1.25 either way (Eigen et al. 1406.2283).
    """

    rank_correlation: float
    affine_rmse: float
    rmse_8bit: float
    abs_rel: float
    delta_1_25: float


def compare(wanted: Floats, found: Floats, valid: NDArray[np.bool_] | None = None) -> Likeness:
    """Compare disparity maps (H, W), where `valid`; `wanted` is in [0, 1], `found` on any scale."""
    counted = slice(None) if valid is None else valid.ravel()
    x, y = (np.asarray(side, np.float64).ravel()[counted] for side in (wanted, found))
    aligned = _aligned(x, y)
    error = aligned - x
    rmse = float(np.sqrt(np.mean(error**2)))
    far = np.maximum(x, FLOOR)
    ratio = np.maximum(aligned, FLOOR) / far
    return Likeness(
        rank_correlation=rank_correlation(x, y),
        affine_rmse=rmse,
        rmse_8bit=255 * rmse,
        abs_rel=float(np.mean(np.abs(error) / far)),
        delta_1_25=float(np.mean(np.maximum(ratio, 1 / ratio) < 1.25)),
    )


def rank_correlation(x: Floats, y: Floats) -> float:
    """Spearman's correlation of two lists of numbers (N,); equal numbers share the mean of their ranks.

    0 where one of them is constant: it orders nothing.
    """
    first, second = _ranks(np.ravel(x)), _ranks(np.ravel(y))
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / size if size > 0 else 0.0


def _ranks(values: Floats) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]


def _aligned(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """`y` scaled and shifted to come as near to `x` as it can."""
    centred = y - y.mean()
    spread = float(centred @ centred)
    scale = float(centred @ (x - x.mean())) / spread if spread > 0 else 0.0
    return x.mean() + scale * centred
