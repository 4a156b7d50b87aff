"""The correlation of detail is blind to what all pictures share, and sees what lies beside what."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.depth.compare import compare, detail_correlation, rank_correlation


def ground(*things: tuple[int, int]) -> NDArray[np.float64]:
    """A floor that rises to the bottom, with things on it at these places (row, column)."""
    depth = np.repeat(np.linspace(0, 1, 96)[:, None], 128, 1)
    for row, column in things:
        depth[row : row + 16, column : column + 16] += 0.3
    return depth


HERE, THERE = ground((40, 10), (60, 90)), ground((30, 60), (70, 30))


def test_two_rooms_with_a_floor_are_alike_in_rank_and_not_in_detail() -> None:
    assert rank_correlation(HERE.ravel(), THERE.ravel()) > 0.85
    assert detail_correlation(HERE, THERE) < 0.5
    assert detail_correlation(HERE, HERE) == pytest.approx(1)


def test_scale_shift_and_bend_change_nothing_and_inversion_all() -> None:
    assert detail_correlation(HERE, 3 * HERE**3 + 7) == pytest.approx(1)
    assert detail_correlation(HERE, -HERE) == pytest.approx(-1)
    assert compare(HERE, 3 * HERE**3 + 7).detail_correlation == pytest.approx(1)


def test_what_is_not_counted_has_no_say() -> None:
    spoiled, valid = HERE.copy(), np.ones(HERE.shape, np.bool_)
    spoiled[:30, :50], valid[:30, :50] = 99, False
    assert detail_correlation(HERE, spoiled, valid) == pytest.approx(1)
    assert detail_correlation(HERE, spoiled) < 0.9


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (64, 64)])
def test_flat_maps_have_no_detail(shape: tuple[int, int]) -> None:
    assert detail_correlation(np.full(shape, 0.5), np.full(shape, 0.2)) == 0
