"""The renderer of doctor_bench against distances that follow from geometry."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from doctor_bench.geometry import Box, Camera, Cylinder, Plane, Relief, Solid, render, sphere, turned
from doctor_bench.scenes import KINDS, make_scene
from doctor_bench.sensors import shaded

CAMERA = Camera(61, 41, 60.0)
MIDDLE = (20, 30)


def test_a_sphere_is_as_far_as_its_surface():
    z = render(CAMERA, [sphere((0, 0, 5), 1)])
    assert z[MIDDLE] == pytest.approx(4.0)
    # Along a ray (x, y, 1): the smaller root of |t (x, y, 1) - (0, 0, 5)|^2 = 1.
    x, y = 4 / CAMERA.focal, -3 / CAMERA.focal
    a, b = x * x + y * y + 1, -5.0
    assert z[23, 34] == pytest.approx((-b - np.sqrt(b * b - 24 * a)) / a)
    assert np.isinf(z[0, 0])


def test_a_floor_below_a_tilted_camera():
    tilted = Camera(61, 41, 60.0, (0, 1.5, 0), pitch=25)
    z = render(tilted, [Plane((0, 0, 0), (0, 1, 0))])
    rows = (20 - np.arange(41)) / tilted.focal
    drop = np.sin(np.radians(25)) - rows * np.cos(np.radians(25))
    expected = np.where(drop > 0, 1.5 / np.where(drop > 0, drop, 1), np.inf)
    assert_allclose(z[:, 30], expected, rtol=1e-9)
    assert_allclose(z, np.repeat(z[:, :1], 61, axis=1), rtol=1e-9)


def test_roll_turns_the_picture():
    solids: list[Solid] = [Plane((0, -1, 0), (0, 1, 0)), sphere((0.5, 0, 3), 0.4)]
    # Of an even height: no row lies on the horizon.
    level, turned_over = (render(Camera(60, 40, 60.0, roll=roll), solids) for roll in (0, 180))
    assert_allclose(turned_over, level[::-1, ::-1], rtol=1e-6)


@pytest.mark.parametrize(
    ("solid", "distance"),
    [
        (Box((0, 0, 4), (1, 1, 1)), 3.0),
        (Box((0, 0, 4), (1, 1, 1), turned(45)), 4 - np.sqrt(2)),
        (Cylinder((0, -2, 4), (0, 2, 4), 0.5), 3.5),
        (Cylinder((0, 0, 4), (0, 0, 6), 0.5), 4.0),
        (Cylinder((0, 0, 4), (0, 0, 6), 0.5, round=True), 3.5),
        (Plane((0, 0, 2), (1, 0, 1)), 2.0),
    ],
)
def test_the_nearest_point_in_the_middle(solid: Solid, distance: float):
    assert render(CAMERA, [solid])[MIDDLE] == pytest.approx(distance)


def test_a_window_holds_all_of_a_solid():
    """A solid is tried only on the pixels of its ball: nothing of it may be cut off."""
    rng = np.random.default_rng(0)
    rays = CAMERA.rays()
    for _ in range(40):
        centre = (float(rng.uniform(-3, 3)), float(rng.uniform(-2, 2)), float(rng.uniform(-1, 6)))
        solid = Box(centre, (0.5, 1.0, 0.3), turned(float(rng.uniform(0, 180)), float(rng.uniform(0, 90))))
        with np.errstate(all="ignore"):
            everywhere = solid.hit(rays).reshape(41, 61)
        assert_allclose(render(CAMERA, [solid]), everywhere)


def test_flat_relief_is_a_plane():
    camera = Camera(61, 41, 60.0, (0, 3, 0), pitch=30)
    relief = render(camera, [Relief(np.zeros((9, 9)), 50, 0.1, 200, 60)])
    plane = render(camera, [Plane((0, 0, 0), (0, 1, 0))])
    near = plane < 100
    assert_allclose(relief[near], plane[near], rtol=2e-3)


def test_hills_hide_what_is_behind():
    heights = np.zeros((101, 101))
    heights[60:62] = 5.0  # a ridge across, 10 metres ahead
    z = render(Camera(61, 41, 60.0, (0, 1, 0)), [Relief(heights, 100, 0.1, 200, 120)])
    assert 9 < z[MIDDLE] < 10.5


def test_the_second_camera_does_not_see_the_left_of_a_near_thing():
    shift = np.full((1, 40), 2.0)
    shift[:, 20:30] = 8.0
    hidden = shaded(shift, np.zeros(shift.shape, dtype=np.bool_))[0]
    assert np.flatnonzero(hidden).tolist() == [0, 1, *range(15, 20)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_scene_has_depth(kind: str):
    one, same = (make_scene(kind, np.random.default_rng(3), upright=True).distance for _ in range(2))
    assert_allclose(one, same)
    seen = one[np.isfinite(one)]
    assert seen.min() > 0 and np.ptp(seen) > 0
