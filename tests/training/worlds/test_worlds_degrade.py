"""Maps made worse keep their meaning: near stays brighter than far."""

from __future__ import annotations

import numpy as np
import pytest

from training.worlds.degrade import degrade_disparity
from training.worlds.families import random_world
from training.worlds.render import render_worlds
from training.worlds.sheet import contact_sheet


def ranks(values: np.ndarray) -> np.ndarray:
    """Average ranks, so that the ties of a flat sky do not count as disorder."""
    _, inverse, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - counts / 2)[inverse]


@pytest.mark.parametrize("family", ["bedroom", "mountains", "house in the forest"])
def test_degraded_maps_keep_their_polarity(family: str) -> None:
    world = random_world(np.random.default_rng(11), family=family, ratio=1.0)
    disparity = render_worlds([world], 64, 64, depth_only=True).disparity[0].numpy()
    for seed in range(25):
        worse = degrade_disparity(disparity, np.random.default_rng(seed))
        assert worse.dtype == np.float32
        assert worse.shape == disparity.shape
        assert worse.min() >= 0
        assert worse.max() <= 1
        assert np.corrcoef(ranks(disparity), ranks(worse))[0, 1] > 0.9


def test_equal_seeds_degrade_equally() -> None:
    disparity = np.linspace(0, 1, 40 * 30, dtype=np.float32).reshape(30, 40)
    first, second = (degrade_disparity(disparity, np.random.default_rng(2)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_flat_map_stays_flat_or_nearly() -> None:
    flat = np.full((16, 16), 0.25, np.float32)
    assert np.isfinite(degrade_disparity(flat, np.random.default_rng(1))).all()


def test_a_sheet_shows_every_seed() -> None:
    sheet = contact_sheet(range(3), width=32, height=24, columns=2)
    assert sheet.width == 2 * (32 + 6) + 6
    assert sheet.height > 2 * 2 * 24
