"""Enlarging along depth: sharper where depth has an edge, plain Lanczos where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.depth.enlarge import DepthEdges, enlarge_along_depth

SMALL, LARGE = 64, 256


def disc(side: int) -> NDArray[np.float32]:
    """Nearness 0.8 inside a disc, a slope from 0.1 to 0.4 behind it."""
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side
    inside = (x - 0.52) ** 2 + (y - 0.47) ** 2 < 0.3**2
    return np.where(inside, 0.8, 0.1 + 0.3 * y).astype(np.float32)


def reduced(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    share = LARGE // SMALL
    return depth.reshape(SMALL, share, SMALL, share).mean((1, 3))


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
    enlarged = enlarge_along_depth(small, DepthEdges(reduced(disc(LARGE)), disc(LARGE)))
    assert enlarged.shape == wanted.shape
    assert error(enlarged, wanted) < 0.35 * error(lanczos(small), wanted)


def test_a_shifted_guide_is_no_help() -> None:
    small, wanted = painted(SMALL), painted(LARGE)
    shifted = np.roll(disc(LARGE), 6, axis=1)
    moved = enlarge_along_depth(small, DepthEdges(reduced(disc(LARGE)), shifted))
    assert error(moved, wanted) > error(lanczos(small), wanted)


@pytest.mark.parametrize("depth", ["flat", "slope"])
def test_without_an_edge_it_is_lanczos(depth: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (SMALL, SMALL, 3), dtype=np.uint8)
    maps = [np.full((s, s), 0.5, np.float32) for s in (SMALL, LARGE)]
    if depth == "slope":
        maps = [np.broadcast_to(np.linspace(0, 1, s, dtype=np.float32), (s, s)) for s in (SMALL, LARGE)]
    assert np.array_equal(enlarge_along_depth(picture, DepthEdges(*maps)), lanczos(picture))


@pytest.mark.parametrize(("small", "large"), [((1, 1), (7, 9)), ((1, 5), (3, 50)), ((64, 2), (65, 3))])
def test_any_shape_works(small: tuple[int, int], large: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (*small, 3), dtype=np.uint8)
    edges = DepthEdges(rng.random(small, dtype=np.float32), rng.random(large, dtype=np.float32))
    assert enlarge_along_depth(picture, edges).shape == (*large, 3)
