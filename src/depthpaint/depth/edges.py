"""Where depth jumps: the line drawing that canny ControlNets are trained on, from depth alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WEAK, STRONG = 0.015, 0.04
"""Change of depth a pixel, of a range of 1: an edge starts at STRONG and goes on as far as WEAK."""


def edges_of(values: Floats) -> Floats:
    """Lines one pixel wide, float32 (H, W) of 0 and 1, from depth (H, W) in [0, 1] (Canny 1986)."""
    smooth = _blurred(values.astype(np.float64))
    down, across = (_slope(smooth, axis) for axis in (0, 1))
    steepness = np.hypot(across, down)
    ridge = _is_ridge(steepness, across, down)
    found, weak = ridge & (steepness >= STRONG), ridge & (steepness >= WEAK)
    return _followed(found, weak).astype(np.float32)


def edge_agreement(wanted: Floats, found: Floats, tolerance: int = 2) -> float:
    """How well the edges of two depth maps (H, W) meet: F-score in [0, 1], within `tolerance` pixels.

    1 where neither has any.
    """
    lines, others = edges_of(wanted) > 0, edges_of(found) > 0
    if not lines.any() or not others.any():
        return float(lines.any() == others.any())
    near_lines, near_others = lines, others
    for _ in range(tolerance):
        near_lines, near_others = _grown(near_lines), _grown(near_others)
    recall, precision = (lines & near_others).sum() / lines.sum(), (others & near_lines).sum() / others.sum()
    return float(2 * recall * precision / (recall + precision)) if recall + precision > 0 else 0.0


def _slope(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Change a pixel along `axis`; none where that is one pixel long."""
    return np.asarray(np.gradient(values, axis=axis)) if values.shape[axis] > 1 else np.zeros_like(values)


def _blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    for axis in (0, 1):
        padded = np.pad(values, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        length = values.shape[axis]
        low, middle, high = (padded.take(range(start, start + length), axis) for start in (0, 1, 2))
        values = (low + 2 * middle + high) / 4
    return values


def _is_ridge(
    steepness: NDArray[np.float64], across: NDArray[np.float64], down: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Steepest among the neighbours up and down the slope, in one of four directions."""
    angle = np.round(np.arctan2(down, across) / (np.pi / 4)).astype(int) % 4
    padded = np.pad(steepness, 1)
    height, width = steepness.shape
    ridge = np.zeros(steepness.shape, np.bool_)
    for direction, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead, behind = (
            padded[1 + s * dy : 1 + s * dy + height, 1 + s * dx : 1 + s * dx + width] for s in (1, -1)
        )
        # Of two equal neighbours one is the line.
        ridge |= (angle == direction) & (steepness > behind) & (steepness >= ahead)
    return ridge


def _followed(found: NDArray[np.bool_], weak: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`found` (H, W) and all of `weak` that hangs together with it, by any of eight neighbours.

    Each round looks at the ends alone: a line may be as long as the map has pixels.
    """
    height, width = found.shape
    lines, open_ways = np.pad(found, 1).ravel(), np.pad(weak & ~found, 1).ravel()
    row = width + 2
    around = np.array([-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1])
    ends = np.flatnonzero(lines)
    while ends.size:
        near = (ends[:, None] + around).ravel()
        ends = np.unique(near[open_ways[near]])
        lines[ends], open_ways[ends] = True, False
    return lines.reshape(height + 2, row)[1:-1, 1:-1]


def _grown(found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(found, 1)
    height, width = found.shape
    return np.logical_or.reduce([
        padded[y : y + height, x : x + width] for y in range(3) for x in range(3)
    ])  # fmt: skip
