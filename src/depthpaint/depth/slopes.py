"""Agreement of two depth maps by their slopes, which differ where the order of near and far hardly does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

SIDE = 128
"""Maps are reduced to the area of a square of this side; sizes below are pixels of it."""
SCALES = (1.0, 2.0, 4.0)
"""Standard deviations of the smoothing before slopes are measured."""
DOWNWARDS, BESIDE = 0.25, 0.7
"""Weights of slopes downwards: of the map, where a floor has the same in every picture, and of the map minus
the mean of each row, where a floor has none. Slopes to the right count fully."""
EDGES = 0.1
"""Share of the pixels that count as edges: the steepest."""
TOLERANCE = 1
"""Pixels by which edges may lie apart."""
FLAT = 1e-9
"""Of the range: slopes below it are rounding errors."""

CHANCE = 0.32
"""Of wrong maps of the same kind of scene, 95 % have a lower agreement (docs/explanation/verification.md)."""


def with_chance(agreement: float | None, mirrored: float | None) -> str:
    """An agreement in words, beside what wrong maps have. None was not measured."""
    if agreement is None or mirrored is None:
        return "not measured"
    return f"{agreement:.3f} (a wrong map: below {CHANCE:g}; this map mirrored: {mirrored:.3f})"


@dataclass(frozen=True, slots=True)
class SlopeScores:
    """How well the slopes of two maps agree.

    `agreement` is in [-1, 1]: the correlation of the slopes (weighted by DOWNWARDS and BESIDE), the mean over
    SCALES; 0 if a map is flat. `mirrored` is that with the first map mirrored left to right. `edges` is the
    F-score, in [0, 1], of the steepest pixels, within TOLERANCE; 1 if both maps are flat.
    """

    agreement: float
    mirrored: float
    edges: float


def slope_scores(wanted: Doubles, estimated: Doubles, known: Mask) -> SlopeScores:
    """Compare maps (H, W) of ranks in [0, 1], where `known`."""
    first, weight = _reduced(wanted, known)
    second, _ = _reduced(estimated, known)
    counted = weight > 0.5
    own = [_slopes(first, weight, scale) for scale in SCALES]
    other = [_slopes(second, weight, scale) for scale in SCALES]
    turned = [slopes[:, :, ::-1] * np.array([-1.0, 1.0, 1.0])[:, None, None] for slopes in own]
    return SlopeScores(
        agreement=_correlation(own, other, counted),
        mirrored=_correlation(turned, other, counted & counted[:, ::-1]),
        edges=_f_score(_edges(own[0], counted), _edges(other[0], counted)),
    )


def _reduced(values: Doubles, known: Mask) -> tuple[Doubles, Doubles]:
    """The mean of the known values in each pixel of the reduced map, and the share that is known."""
    height, width = values.shape
    share = min(1.0, SIDE / float(np.sqrt(height * width)))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    weight = _resized(known.astype(np.float32), size)
    total = _resized(np.where(known, values, 0).astype(np.float32), size)
    return total / np.maximum(weight, FLAT), weight


def _resized(values: NDArray[np.float32], size: tuple[int, int]) -> Doubles:
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX), np.float64)


def _slopes(values: Doubles, weight: Doubles, scale: float) -> Doubles:
    """The slopes (3, H, W) of the map smoothed where it is known: to the right, and twice downwards."""
    sigma = scale * float(np.sqrt(values.size)) / SIDE
    smooth = _blurred(values * weight, sigma) / np.maximum(_blurred(weight, sigma), FLAT)
    means = (smooth * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), FLAT)
    slopes = np.stack([
        slope_along(smooth, 1),
        DOWNWARDS * slope_along(smooth, 0),
        BESIDE * slope_along(smooth - means[:, None], 0),
    ])  # fmt: skip
    slopes[np.abs(slopes) < FLAT] = 0
    return slopes


def slope_along(values: Doubles, axis: int) -> Doubles:
    """Change per pixel along `axis`; zero if that is one pixel long."""
    return np.asarray(np.gradient(values, axis=axis)) if values.shape[axis] > 1 else np.zeros_like(values)


def _blurred(values: Doubles, sigma: float) -> Doubles:
    """Smoothed by a Gaussian, with zeros around the map."""
    reach = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if side == axis else (0, 0) for side in (0, 1)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=axis)
        values = windows @ kernel
    return values


def _correlation(first: list[Doubles], second: list[Doubles], counted: Mask) -> float:
    """The mean correlation of several slopes; 0 where a map is flat or nothing is counted."""
    found: list[float] = []
    for one, other in zip(first, second, strict=True):
        x, y = one[:, counted].ravel(), other[:, counted].ravel()
        size = float(np.sqrt((x @ x) * (y @ y)))
        found.append(float(x @ y) / size if size > 0 else 0.0)
    return float(np.clip(np.mean(found), -1, 1))


def _edges(slopes: Doubles, counted: Mask) -> Mask:
    """The steepest counted pixels (H, W); none in a flat map."""
    steepness = np.where(counted, np.hypot(slopes[0], slopes[1] / DOWNWARDS), 0)
    if not counted.any():
        return counted
    least = max(float(np.quantile(steepness[counted], 1 - EDGES)), FLAT)
    return steepness > least


def _f_score(lines: Mask, others: Mask) -> float:
    if not lines.any() or not others.any():
        return float(lines.any() == others.any())
    recall = np.count_nonzero(lines & _grown(others)) / np.count_nonzero(lines)
    precision = np.count_nonzero(others & _grown(lines)) / np.count_nonzero(others)
    return float(2 * recall * precision / (recall + precision)) if recall + precision > 0 else 0.0


def _grown(lines: Mask) -> Mask:
    """The pixels within TOLERANCE of `lines`."""
    padded = np.pad(lines, TOLERANCE)
    side = 2 * TOLERANCE + 1
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, (side, side)).any(axis=(2, 3)))
