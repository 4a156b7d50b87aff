"""The relief shows a small network what a depth map hides: slopes that do not depend on size, and breaks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.depth.hints import CHANNELS, EVERYDAY_SLOPE, SLIGHT_BREAK, relief_of


def ramp(height: int, width: int, across: float, down: float) -> NDArray[np.float32]:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    size = float(np.sqrt(height * width))
    return (0.2 + across * x / size + down * y / size).astype(np.float32)


@pytest.mark.parametrize("side", [64, 128])
def test_a_plane_has_one_slope_at_every_size(side: int) -> None:
    relief = relief_of(ramp(side, side, EVERYDAY_SLOPE, -3 * EVERYDAY_SLOPE))
    inside = relief[:, 1:-1, 1:-1]
    assert relief.shape == (CHANNELS, side, side)
    assert relief.dtype == np.float32
    np.testing.assert_array_equal(relief[0], ramp(side, side, EVERYDAY_SLOPE, -3 * EVERYDAY_SLOPE))
    np.testing.assert_allclose(inside[1], 0.5, atol=1e-3)
    np.testing.assert_allclose(inside[2], -0.75, atol=1e-3)
    np.testing.assert_allclose(inside[3], 0, atol=1e-3)


def test_a_slight_step_is_seen_and_a_great_one_drowns_nothing() -> None:
    depth = np.full((32, 32), 0.5, np.float32)
    depth[:, 10:] += SLIGHT_BREAK
    depth[:, 20:] += 0.4
    breaks = relief_of(depth)[3]
    np.testing.assert_allclose(breaks[:, 9], 0.5, atol=1e-3)
    np.testing.assert_allclose(breaks[:, 10], -0.5, atol=1e-3)
    assert (breaks[:, 19] > 0.95).all()
    assert np.abs(breaks[:, 12:18]).max() == 0
    assert np.abs(relief_of(depth)[1:]).max() < 1


def test_a_flat_map_has_none() -> None:
    assert not relief_of(np.full((8, 16), 0.7, np.float32))[1:].any()
