"""Depth in the terms of the network that sees it."""

from __future__ import annotations

import numpy as np
import pytest

from depthpaint.depth.depth_map import in_terms_of

DISTANCE = np.linspace(2, 12, 400).reshape(20, 20)
DISPARITY = ((1 / DISTANCE - 1 / 12) / (1 / 2 - 1 / 12)).astype(np.float32)


@pytest.mark.parametrize("name", ["midas", "depth-anything"])
def test_disparity_stays_as_it_is(name: str) -> None:
    assert in_terms_of(DISPARITY, name, 6) is DISPARITY  # type: ignore[arg-type]


def test_zoe_knows_distance_between_two_percentiles() -> None:
    near, far = np.quantile(DISTANCE, (0.02, 0.85))
    expected = np.clip((far - DISTANCE) / (far - near), 0, 1)
    assert np.abs(in_terms_of(DISPARITY, "zoe", 6) - expected).max() < 1e-5


def test_a_flat_map_stays_flat() -> None:
    flat = np.full((8, 8), 0.5, np.float32)
    assert (in_terms_of(flat, "zoe", 10) == 0.5).all()
