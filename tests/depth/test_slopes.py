"""The agreement of slopes tells a map from others with the same floor, and from its mirror image."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.depth.compare import compare
from depthpaint.depth.slopes import CHANCE, slope_scores, with_chance

Doubles = NDArray[np.float64]


def floor(*things: tuple[int, int]) -> Doubles:
    """A floor that rises to the bottom, with things on it at these places (row, column)."""
    depth = np.repeat(np.linspace(0, 0.7, 96)[:, None], 128, 1)
    for row, column in things:
        depth[row : row + 24, column : column + 20] += 0.3
    return depth


HERE, THERE = floor((40, 10), (60, 90)), floor((30, 60), (70, 30))


def test_a_map_of_the_same_floor_and_a_mirrored_map_do_not_agree() -> None:
    right, wrong, mirrored = (compare(HERE, other) for other in (HERE, THERE, HERE[:, ::-1]))
    assert right.depth_agreement == pytest.approx(1)
    assert wrong.rank_correlation > 0.6 > CHANCE > wrong.depth_agreement
    assert mirrored.depth_agreement < 0.6
    assert right.mirrored_agreement == pytest.approx(mirrored.depth_agreement, abs=0.01)
    assert mirrored.mirrored_agreement == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("size", [(96, 128), (768, 1024), (40, 400)])
def test_scale_shift_and_monotone_changes_do_not_count_and_near_and_far_do(size: tuple[int, int]) -> None:
    rows, columns = (np.arange(length) * side // length for length, side in zip(size, (96, 128), strict=True))
    depth = HERE[rows[:, None], columns]
    assert compare(depth, 3 * depth**3 + 7).depth_agreement == pytest.approx(1)
    assert compare(depth, 2 - depth).depth_agreement == pytest.approx(-1)


def test_a_floor_alone_agrees_with_itself() -> None:
    assert compare(floor(), floor()).depth_agreement == pytest.approx(1)


def test_unknown_pixels_do_not_count() -> None:
    spoiled, valid = HERE.copy(), np.ones(HERE.shape, np.bool_)
    spoiled[:30, :50], valid[:30, :50] = np.nan, False
    found = compare(HERE, spoiled, valid)
    assert found.depth_agreement == pytest.approx(1)
    assert found.edge_f_score == 1
    spoiled[:30, :50] = 99
    assert compare(HERE, spoiled).depth_agreement < 0.9


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (64, 64), (8, 70_000)])
def test_flat_maps_of_any_shape_agree_with_nothing(shape: tuple[int, int]) -> None:
    flat, noise = np.full(shape, 0.5), np.random.default_rng(0).random(shape)
    for found in (compare(flat, flat), compare(flat, noise), compare(noise, flat)):
        assert (found.depth_agreement, found.mirrored_agreement) == (0, 0)
    assert compare(flat, flat).edge_f_score == 1
    assert -1 <= compare(noise, noise).depth_agreement <= 1


def test_nothing_known_is_no_agreement() -> None:
    nothing = np.zeros(HERE.shape, np.bool_)
    found = slope_scores(HERE, HERE, nothing)
    assert (found.agreement, found.mirrored) == (0, 0)


def test_soft_edges_count_where_they_are() -> None:
    """The estimated depth is soft: edges are the steepest places of each map, not those above a threshold."""
    soft = HERE.copy()
    for _ in range(30):
        soft = (np.roll(soft, 1, 1) + soft + np.roll(soft, -1, 1)) / 3
    assert compare(HERE, HERE).edge_f_score == 1
    assert compare(HERE, 0.1 * soft).edge_f_score > 0.6 > 0.4 > compare(HERE, THERE).edge_f_score


def test_an_agreement_is_shown_beside_that_of_wrong_maps() -> None:
    assert with_chance(0.8312, 0.12) == f"0.831 (a wrong map: below {CHANCE:g}; this map mirrored: 0.120)"
    assert with_chance(None, None) == "not measured"
