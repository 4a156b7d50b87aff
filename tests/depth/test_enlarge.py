"""Enlarging along depth: sharp, smooth edges where depth has them, plain Lanczos where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.depth.finish import enlarge_along_depth

SMALL, LARGE = 64, 256


def disc(side: int) -> NDArray[np.float32]:
    """Nearness 0.8 inside a disc, a slope from 0.1 to 0.4 behind it."""
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side
    inside = (x - 0.52) ** 2 + (y - 0.47) ** 2 < 0.3**2
    return np.where(inside, 0.8, 0.1 + 0.3 * y).astype(np.float32)


def painted(side: int) -> NDArray[np.uint8]:
    """The disc red and the rest blue, drawn with eight samples a pixel side."""
    fine = np.where(disc(8 * side)[..., None] > 0.7, [220.0, 30, 20], [20.0, 60, 200])
    return np.rint(fine.reshape(side, 8, side, 8, 3).mean((1, 3))).astype(np.uint8)


def error(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.mean((one.astype(float) - other) ** 2))


def lanczos(picture: NDArray[np.uint8], side: int = LARGE) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS))


def test_edges_are_those_of_the_fine_depth() -> None:
    small, wanted = painted(SMALL), painted(LARGE)
    enlarged = enlarge_along_depth(small, disc(LARGE))
    assert enlarged.shape == wanted.shape
    assert error(enlarged, wanted) < 0.35 * error(lanczos(small), wanted)


def test_a_shifted_guide_is_no_help() -> None:
    small, wanted = painted(SMALL), painted(LARGE)
    shifted = np.roll(disc(LARGE), 6, axis=1)
    moved = enlarge_along_depth(small, shifted)
    assert error(moved, wanted) > error(lanczos(small), wanted)


@pytest.mark.parametrize("depth", ["flat", "slope"])
def test_without_an_edge_it_is_lanczos(depth: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (SMALL, SMALL, 3), dtype=np.uint8)
    guide = np.full((LARGE, LARGE), 0.5, np.float32)
    if depth == "slope":
        guide = np.broadcast_to(np.linspace(0, 1, LARGE, dtype=np.float32), (LARGE, LARGE))
    apart = enlarge_along_depth(picture, guide).astype(int) - lanczos(picture)
    assert np.abs(apart).max() <= 1, "rounding"


@pytest.mark.parametrize(("small", "large"), [((1, 1), (7, 9)), ((1, 5), (3, 50)), ((64, 2), (65, 3))])
def test_any_shape_works(small: tuple[int, int], large: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (*small, 3), dtype=np.uint8)
    guide = rng.random(large, dtype=np.float32)
    for softness in (1, 8):
        assert enlarge_along_depth(picture, guide, softness).shape == (*large, 3)


def blurred(picture: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    side = len(picture)
    small = Image.fromarray(picture).resize((side // by, side // by), Image.Resampling.BOX)
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC))


def test_a_soft_picture_gets_the_edges_of_the_depth_at_its_own_size() -> None:
    wanted = painted(LARGE)
    soft = blurred(wanted, 8)
    finished = enlarge_along_depth(soft, disc(LARGE), softness=8)
    assert error(finished, wanted) < 0.35 * error(soft, wanted)
    assert error(enlarge_along_depth(soft, disc(LARGE)), wanted) > 2 * error(finished, wanted)


def test_a_crease_without_a_step_is_an_edge_too() -> None:
    y, x = (np.mgrid[0:LARGE, 0:LARGE] + 0.5) / LARGE
    top = y < 0.5 + 0.2 * (x - 0.5)
    guide = np.where(top, 0.5, 0.5 + 2 * (y - 0.5 - 0.2 * (x - 0.5))).clip(0, 1).astype(np.float32)
    wanted = np.where(top[..., None], [30.0, 60, 220], [220.0, 160, 40]).astype(np.uint8)
    soft = blurred(wanted, 8)
    assert error(enlarge_along_depth(soft, guide, softness=8), wanted) < 0.6 * error(soft, wanted)


def test_texture_within_a_surface_stays() -> None:
    x = np.arange(LARGE)[None].repeat(LARGE, 0)
    stripes = (127 + 60 * np.sin(x / 5))[..., None].repeat(3, 2).astype(np.uint8)
    inside = np.s_[110:130, 110:150]
    finished = enlarge_along_depth(stripes, disc(LARGE), softness=8)
    assert np.abs(finished[inside].astype(float) - stripes[inside]).mean() < 6


@pytest.mark.parametrize("threads", [2, 3, 100])
def test_the_number_of_threads_leaves_no_trace(threads: int) -> None:
    noise = np.random.default_rng(5)
    picture = noise.integers(0, 256, (12, 20, 3), dtype=np.uint8)
    guide = noise.random((90, 150), dtype=np.float32)
    alone = enlarge_along_depth(picture, guide, 4, threads=1)
    assert np.array_equal(enlarge_along_depth(picture, guide, 4, threads), alone)


def slanted(blur: int) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float64]]:
    """A soft picture of an edge that rises one pixel in seven, its depth, and the true edge of each column.

    The depth's edge is as hard as pixels can be, and then blurred over `blur` pixels.
    """
    y, x = np.mgrid[0:LARGE, 0:LARGE] + 0.5
    edge = 100.0 + np.arange(LARGE) / 7 + 0.5 / 7
    above = y < 100 + x / 7
    wanted = np.where(above[..., None], [220.0, 40, 40], [40.0, 40, 220]).astype(np.uint8)
    hard = np.where(above, 0.2, 0.7).astype(np.float32)
    # Reduced and enlarged by a triangle filter, as a map from an estimator of another size.
    guide = np.asarray(Image.fromarray(hard).resize((LARGE // blur, LARGE // blur), Image.Resampling.BOX))
    guide = np.asarray(Image.fromarray(guide).resize((LARGE, LARGE), Image.Resampling.BILINEAR))
    return blurred(wanted, 8), guide, edge


@pytest.mark.parametrize("blur", [1, 2])
def test_a_slanted_edge_is_no_staircase_and_has_no_dots(blur: int) -> None:
    soft, guide, edge = slanted(blur)
    finished = enlarge_along_depth(soft, guide, softness=8).astype(float)
    inside = np.s_[:, 30:-30]
    red = ((finished[..., 0] - 40) / 180).clip(0, 1)[inside]
    assert np.abs(red.sum(0) - edge[30:-30]).max() < 0.7
    assert np.abs(np.diff(red.sum(0))).max() < 0.5, "stairs have steps of a pixel"
    assert np.diff(red, axis=0).max() < 0.02, "dots"
    assert (((red > 0.1) & (red < 0.9)).sum(0) <= 4).all(), "blurred"


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("thick", [4, 5, 7])
def test_a_thin_thing_keeps_its_colour(across: bool, thick: int) -> None:
    """A rail before a slope: the depth beside it is no part of its surface."""
    rail = slice(120, 120 + thick)
    guide = np.repeat(np.linspace(0.2, 0.5, 256, dtype=np.float32)[:, None], 256, axis=1)
    guide[rail] = 0.8
    picture = np.full((256, 256, 3), 200, np.uint8)
    picture[rail] = 40
    small = np.asarray(Image.fromarray(picture).resize((128, 128), Image.Resampling.BOX))
    if across:
        guide, small = guide.T, small.transpose(1, 0, 2)
    result = enlarge_along_depth(small, np.ascontiguousarray(guide), softness=2)
    assert (result[:, rail] if across else result[rail]).mean() < 50
