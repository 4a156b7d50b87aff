"""Similarity of two depth maps, independent of the scale and shift of one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.geometry import Extent
from depthpaint.depth.slopes import slope_scores
from depthpaint.formats.samples import MIN_SIDE


def ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks from 1 of numbers (N,); equal numbers share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]


Floats = NDArray[np.floating]

NEIGHBOURHOOD = 1 / 8
"""Half the side of the square that a pixel is compared with, as a share of the root of the map's area."""


def detail_correlation(wanted: Floats, estimated: Floats, valid: NDArray[np.bool_] | None = None) -> float:
    """Correlation, in [-1, 1], of how much nearer each pixel is than its surroundings; 0 where all is flat.

    Maps (H, W) of any scale, compared where `valid`. It uses ranks, like Spearman's correlation. In most
    pictures the ground is near at the bottom and the sky far at the top, so that any two maps have a high
    rank correlation; subtracting the mean of the surroundings removes that, and the rest tells right from
    wrong maps.
    """
    counted = np.ones(wanted.shape, np.bool_) if valid is None else valid
    first, second = (_beside_surroundings(_ranked(side, counted), counted) for side in (wanted, estimated))
    return _correlation(first, second)


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Correlation of ranks in [0, 1], or of differences of them (N,); 0 if one of both is constant."""
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    # With ranks in [0, 1], smaller values are rounding errors.
    return float(first @ second) / size if size > 1e-12 * len(first) else 0.0


def _ranked(depth: Floats, counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The map (H, W) with ranks in [0, 1] in place of depths; 0 where nothing is counted."""
    order = np.zeros(depth.shape)
    order[counted] = ranks(depth[counted]) / max(1, np.count_nonzero(counted))
    return order


def _beside_surroundings(order: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Ranks of the counted pixels (N,), minus the mean rank of the counted ones around."""
    half = max(1, round(NEIGHBOURHOOD * float(np.sqrt(order.size))))
    around = _sums(order, half) / np.maximum(1, _sums(counted.astype(np.float64), half))
    return (order - around)[counted]


def _sums(values: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """Sum over the square of side 2 half + 1 around each pixel, clipped to the map."""
    height, width = values.shape
    corner = np.zeros((height + 1, width + 1))
    corner[1:, 1:] = values.cumsum(0).cumsum(1)
    rows: NDArray[np.int64] = np.arange(height, dtype=np.int64)
    columns: NDArray[np.int64] = np.arange(width, dtype=np.int64)
    top, bottom = np.maximum(rows - half, 0)[:, None], np.minimum(rows + half + 1, height)[:, None]
    left, right = np.maximum(columns - half, 0), np.minimum(columns + half + 1, width)
    return corner[bottom, right] - corner[top, right] - corner[bottom, left] + corner[top, left]


NEAR_ENOUGH = 0.05
"""Ratios count where the wanted disparity is at least this, of a range of 1: farther off, any error is a
large share of next to nothing."""
FLOOR = 1e-3
"""The lowest disparity in ratios: the far plane itself would give infinite ones."""

COMPARED_AREA = 1 << 20
"""Pixels of the largest maps that are compared at full size; larger ones are reduced to it."""

TRIMMED, ROUNDS = 0.2, 3
"""Share of the pixels that the alignment excludes as outliers, and the number of passes."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Scores of an estimated disparity against the wanted one.

    `depth_agreement`, in [-1, 1], is the correlation of the slopes of both maps, and the one that tells a
    map from others. `mirrored_agreement` is the same with the wanted map mirrored left to right: what a wrong
    map of the same content reaches. `edge_f_score`, in [0, 1], is how well the steepest places match
    (depth.slopes).

    `rank_correlation` is Spearman's, in [-1, 1]. `detail_correlation` is that of the depth relative to its
    surroundings. All of these ignore monotone changes.

    Three follow an affine alignment by trimmed least squares (Ranftl et al. 1907.01341, eq. 4) that never
    turns near and far around: `affine_rmse` in units of disparity in [0, 1], `abs_rel` the mean of |error| /
    wanted, `delta_1_25` the share of pixels whose ratio is below 1.25 either way (Eigen et al. 1406.2283),
    both where the wanted disparity is at least NEAR_ENOUGH. `rmse_8bit` is usual in the literature: both maps
    stretched to 0 to 255 separately, without alignment (ControlNet++, 2404.07987).
    """

    depth_agreement: float
    mirrored_agreement: float
    rank_correlation: float
    detail_correlation: float
    affine_rmse: float
    rmse_8bit: float
    abs_rel: float
    delta_1_25: float
    edge_f_score: float


def compared_size(size: Extent) -> Extent:
    """The size at which the depths of a picture of `size` are compared: at most COMPARED_AREA pixels."""
    if size.pixels <= COMPARED_AREA:
        return size
    width, height = size.scaled_to_area(COMPARED_AREA)
    longest = COMPARED_AREA // MIN_SIDE
    return Extent(*(min(longest, max(MIN_SIDE, side)) for side in (width, height)))


def compare(wanted: Floats, estimated: Floats, valid: NDArray[np.bool_] | None = None) -> Likeness:
    """Compare disparity maps (H, W), where `valid`; `wanted` is in [0, 1], `estimated` on any scale."""
    counted = np.ones(wanted.shape, np.bool_) if valid is None else valid
    x, y = (np.asarray(side, np.float64)[counted] for side in (wanted, estimated))
    scale, shift = _alignment(x, y)
    aligned = scale * y + shift
    error = aligned - x
    near = x >= NEAR_ENOUGH
    if not near.any():
        near[:] = True
    far = np.maximum(x[near], FLOOR)
    ratio = np.maximum(aligned[near], FLOOR) / far
    first, second = (_ranked(np.asarray(side), counted) for side in (wanted, estimated))
    slopes = slope_scores(first, second, counted)
    return Likeness(
        depth_agreement=slopes.agreement,
        mirrored_agreement=slopes.mirrored,
        rank_correlation=_correlation(first[counted], second[counted]),
        detail_correlation=_correlation(
            _beside_surroundings(first, counted), _beside_surroundings(second, counted)
        ),
        affine_rmse=float(np.sqrt(np.mean(error**2))),
        rmse_8bit=255 * float(np.sqrt(np.mean((_stretched(x) - _stretched(y)) ** 2))),
        abs_rel=float(np.mean(np.abs(error[near]) / far)),
        delta_1_25=float(np.mean(np.maximum(ratio, 1 / ratio) < 1.25)),
        edge_f_score=slopes.edges,
    )


def aligned_to(
    wanted: Floats, estimated: Floats, valid: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """`estimated` (H, W) scaled and shifted to fit `wanted` best, where `valid`."""
    counted = slice(None) if valid is None else valid.ravel()
    x, y = (np.asarray(side, np.float64).ravel()[counted] for side in (wanted, estimated))
    scale, shift = _alignment(x, y)
    return (scale * estimated + shift).astype(np.float32)


def rank_correlation(x: Floats, y: Floats) -> float:
    """Spearman's correlation of two lists of numbers (N,); equal numbers share the mean of their ranks.

    0 if one of them is constant.
    """
    first, second = ranks(np.ravel(x)), ranks(np.ravel(y))
    return _correlation(first / len(first), second / len(second))


def _stretched(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _alignment(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Scale (0 or more) and shift of `y` for the best fit of most of it to `x`.

    Medians give a first, robust fit; least squares over the values near it the final one.
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
