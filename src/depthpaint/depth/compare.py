"""How alike two depth maps are, when neither scale nor shift of one of them means anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.geometry import Extent
from depthpaint.formats.samples import MIN_SIDE


def ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks from 1 of numbers (N,); equal numbers share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]


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


FLOOR = 1e-3
"""Disparity below this counts as this, where a ratio is taken: the far plane has no ratio to anything."""

COMPARED_AREA = 1 << 20
"""Pixels of the largest maps that are compared as they are; those of larger pictures are reduced to it."""

TRIMMED, ROUNDS = 0.2, 3
"""Share of the pixels that the alignment leaves out as strangers, and how often it looks for them."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Scores of an estimated disparity beside the wanted one.

    `rank_correlation` is Spearman's, in [-1, 1]: blind to every monotone change. `detail_correlation` is that
    of what stands out of its surroundings (depth.detail). Three follow an affine
    alignment by trimmed least squares (Ranftl et al. 1907.01341, eq. 4) that never turns near and far around:
    `affine_rmse` in units of disparity in [0, 1], `abs_rel` the mean of |error| / wanted, `delta_1_25` the
    share of pixels whose ratio is below 1.25 either way (Eigen et al. 1406.2283). `rmse_8bit` is the
    literature's for controlled pictures: both maps stretched to 0 to 255 on their own, and no alignment
    (ControlNet++, 2404.07987).
    """

    rank_correlation: float
    detail_correlation: float
    affine_rmse: float
    rmse_8bit: float
    abs_rel: float
    delta_1_25: float


def compared_size(size: Extent) -> Extent:
    """The size at which the depths of a picture of `size` are compared: at most COMPARED_AREA pixels."""
    if size.pixels <= COMPARED_AREA:
        return size
    width, height = size.scaled_to_area(COMPARED_AREA)
    longest = COMPARED_AREA // MIN_SIDE
    return Extent(*(min(longest, max(MIN_SIDE, side)) for side in (width, height)))


def compare(wanted: Floats, found: Floats, valid: NDArray[np.bool_] | None = None) -> Likeness:
    """Compare disparity maps (H, W), where `valid`; `wanted` is in [0, 1], `found` on any scale."""
    counted = slice(None) if valid is None else valid.ravel()
    x, y = (np.asarray(side, np.float64).ravel()[counted] for side in (wanted, found))
    scale, shift = _alignment(x, y)
    aligned = scale * y + shift
    error = aligned - x
    far = np.maximum(x, FLOOR)
    ratio = np.maximum(aligned, FLOOR) / far
    return Likeness(
        rank_correlation=rank_correlation(x, y),
        detail_correlation=detail_correlation(np.asarray(wanted), np.asarray(found), valid),
        affine_rmse=float(np.sqrt(np.mean(error**2))),
        rmse_8bit=255 * float(np.sqrt(np.mean((_stretched(x) - _stretched(y)) ** 2))),
        abs_rel=float(np.mean(np.abs(error) / far)),
        delta_1_25=float(np.mean(np.maximum(ratio, 1 / ratio) < 1.25)),
    )


def aligned_to(wanted: Floats, found: Floats, valid: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """`found` (H, W) scaled and shifted to come as near to `wanted` as it can, where `valid`."""
    counted = slice(None) if valid is None else valid.ravel()
    x, y = (np.asarray(side, np.float64).ravel()[counted] for side in (wanted, found))
    scale, shift = _alignment(x, y)
    return (scale * found + shift).astype(np.float32)


def rank_correlation(x: Floats, y: Floats) -> float:
    """Spearman's correlation of two lists of numbers (N,); equal numbers share the mean of their ranks.

    0 where one of them is constant: it orders nothing.
    """
    first, second = ranks(np.ravel(x)), ranks(np.ravel(y))
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / size if size > 0 else 0.0


def _stretched(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _alignment(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Scale (0 or more) and shift of `y` that bring most of it nearest to `x`.

    Medians find a first fit that strangers cannot bend, least squares over what is near it the last one.
    """
    middle_x, middle_y = np.median(x), np.median(y)
    width = float(np.mean(np.abs(y - middle_y)))
    if width == 0:
        return 0.0, float(x.mean())
    scale = float(np.median(np.abs(x - middle_x)) / (np.median(np.abs(y - middle_y)) or width))
    shift = float(middle_x - scale * middle_y)
    for _ in range(ROUNDS):
        missed = np.abs(scale * y + shift - x)
        kept = missed <= np.quantile(missed, 1 - TRIMMED)
        centred = y[kept] - y[kept].mean()
        spread = float(centred @ centred)
        scale = max(0.0, float(centred @ (x[kept] - x[kept].mean())) / spread) if spread > 0 else 0.0
        shift = float(x[kept].mean() - scale * y[kept].mean())
    return scale, shift
