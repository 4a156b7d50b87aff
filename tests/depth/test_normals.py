"""Facing from depth: planes whose normals are known, and steps that tilt nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depthpaint.depth.hints import OPENING, normals_of

SIDE, RATIO = 96, 8.0


def plane(normal: tuple[float, float, float], distance: float = 4.0) -> tuple[np.ndarray, float]:
    """Depth of a plane through (0, 0, distance) in view of a camera, and how much farther its far end is."""
    focal = SIDE / 2 / math.tan(OPENING / 2)
    u = (np.arange(SIDE) - (SIDE - 1) / 2) / focal
    inverse = (normal[0] * u + normal[1] * u[:, None] + normal[2]) / (normal[2] * distance)
    assert inverse.min() > 0
    values = (inverse - inverse.min()) / np.ptp(inverse) if np.ptp(inverse) else np.ones_like(inverse)
    return values.astype(np.float32), float(inverse.max() / inverse.min()) if np.ptp(inverse) else RATIO


@pytest.mark.parametrize(
    ("normal", "name"),
    [((0.0, 0.6, 0.8), "green"), ((0.6, 0.0, 0.8), "red"), ((-0.6, 0.0, 0.8), "right"), ((0, 0, 1), "blue")],
)
def test_a_plane_faces_one_way(normal: tuple[float, float, float], name: str) -> None:
    values, ratio = plane(normal)
    found = normals_of(values, ratio)[8:-8, 8:-8]
    expected = np.array(normal) * 0.5 + 0.5
    assert np.abs(found - expected).max() < 0.01, name


def test_a_floor_is_green_and_what_is_near_on_the_right_faces_left() -> None:
    rows = np.linspace(0, 1, SIDE, dtype=np.float32)
    floor = normals_of(np.repeat(rows[:, None], SIDE, axis=1), RATIO)
    assert floor[SIDE // 2, SIDE // 2, 1] > 0.8
    wall = normals_of(np.repeat(rows[None], SIDE, axis=0), RATIO)
    assert wall[SIDE // 2, SIDE // 2, 0] > 0.8


def test_a_step_between_two_walls_tilts_neither() -> None:
    values = np.full((SIDE, SIDE), 0.2, np.float32)
    values[:, SIDE // 2 :] = 0.9
    assert (normals_of(values, RATIO)[..., 2] > 0.99).all()


def test_the_stairs_of_eight_bits_are_no_slopes() -> None:
    smooth = np.repeat(np.linspace(0.3, 0.6, SIDE, dtype=np.float32)[None], SIDE, axis=0)
    stairs = np.round(smooth * 255) / np.float32(255)
    difference = np.abs(normals_of(stairs, RATIO) - normals_of(smooth, RATIO))[8:-8, 8:-8]
    assert difference.max() < 0.03
