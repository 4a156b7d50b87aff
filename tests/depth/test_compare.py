"""Likeness of depth maps: known values, and blindness to what means nothing."""

from __future__ import annotations

import numpy as np
import pytest

from depthpaint.depth.compare import aligned_to, compare, rank_correlation
from made_depth import smooth


def test_spearman_of_known_lists() -> None:
    """By the textbook: 1 - 6 sum(d^2) / (n (n^2 - 1)) without ties."""
    x, y = np.array([1.0, 2, 3, 4, 5]), np.array([5.0, 6, 7, 8, 7.5])
    assert rank_correlation(x, y) == pytest.approx(0.9)
    assert rank_correlation(x, -x) == -1
    assert rank_correlation(np.array([1.0, 1, 2, 2]), np.array([1.0, 1, 2, 2])) == 1
    assert rank_correlation(np.array([1.0, 1, 2]), np.array([1.0, 2, 3])) == pytest.approx(0.8660254)
    assert rank_correlation(x, np.ones(5)) == 0


def test_scale_and_shift_mean_nothing() -> None:
    depth = smooth(40, 50)
    likeness = compare(depth, depth * 100 + 3)
    assert likeness.affine_rmse < 1e-9
    assert likeness.rmse_8bit < 1e-6
    assert likeness.delta_1_25 == 1


def test_near_and_far_the_other_way_round_are_not_alike() -> None:
    depth = smooth(40, 50)
    turned = compare(depth, 1 - depth)
    assert turned.rank_correlation == pytest.approx(-1)
    assert turned.affine_rmse >= 0.9 * depth.std()
    assert turned.rmse_8bit > 60


def test_a_few_strangers_do_not_bend_the_alignment() -> None:
    depth = smooth(40, 50)
    spoilt = depth * 5 + 2
    spoilt[:4] = 100
    aligned = aligned_to(depth, spoilt)
    assert np.abs(aligned[4:] - depth[4:]).max() < 1e-3


def test_a_monotone_change_keeps_the_ranks_and_not_the_numbers() -> None:
    depth = smooth(40, 50)
    likeness = compare(depth, depth**3)
    assert likeness.rank_correlation == pytest.approx(1)
    assert likeness.affine_rmse > 0.05
    assert likeness.rmse_8bit == pytest.approx(255 * np.sqrt(np.mean((_unit(depth) - _unit(depth**3)) ** 2)))


def test_noise_costs_what_it_is() -> None:
    depth = smooth(100, 100)
    noise = np.random.default_rng(0).normal(0, 0.05, depth.shape)
    likeness = compare(depth, depth + noise)
    assert likeness.affine_rmse == pytest.approx(0.05, rel=0.1)
    assert 0.9 < likeness.rank_correlation < 0.99
    assert 0 < likeness.abs_rel
    assert likeness.delta_1_25 < 1


def test_only_valid_pixels_count() -> None:
    depth = smooth(40, 50)
    spoilt, valid = depth.copy(), np.ones(depth.shape, np.bool_)
    spoilt[:10], valid[:10] = 9, False
    assert compare(depth, spoilt, valid).affine_rmse < 1e-9
    assert compare(depth, spoilt).affine_rmse > 0.05


def test_ratios_are_taken_where_the_map_is_not_far() -> None:
    depth = np.repeat(np.linspace(0, 1, 200)[:, None], 50, axis=1)
    likeness = compare(depth, depth + np.where(depth < 0.04, 0.2, 0))
    assert likeness.abs_rel < 0.1, "a small error at a disparity of nearly 0 is a ratio without a bound"
    assert likeness.affine_rmse > 0.03, "it counts here"
    far = compare(depth * 0.04, depth)
    assert far.abs_rel >= 0 and 0 <= far.delta_1_25 <= 1, "a map that is far everywhere has ratios, too"


def test_a_flat_estimate_orders_nothing() -> None:
    likeness = compare(smooth(20, 20), np.ones((20, 20)))
    assert likeness.rank_correlation == 0
    assert likeness.affine_rmse == pytest.approx(float(smooth(20, 20).std()))


def _unit(values: np.ndarray) -> np.ndarray:
    return (values - values.min()) / np.ptp(values)
