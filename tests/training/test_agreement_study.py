"""The study of scores counts right and wrong pairs, and paints nothing twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training.agreement_study import Painted, area_under_curve, compared, lines_of, painted_worlds, separation

SIZE = (48, 64)


def scene(number: int) -> NDArray[np.float32]:
    """A floor with a box at a place of its own."""
    depth = np.repeat(np.linspace(0, 0.7, SIZE[0])[:, None], SIZE[1], 1)
    depth[10 + number : 30 + number, 2 + 2 * number : 14 + 2 * number] += 0.3
    return depth.astype(np.float32)


def painted(number: int, estimated: NDArray[np.float32]) -> Painted:
    known = np.ones(SIZE, np.bool_)
    return Painted(str(number), "even" if number % 2 == 0 else "odd", scene(number), known, estimated)


def test_the_area_is_that_under_the_curve() -> None:
    assert area_under_curve([2, 3], [0, 1]) == 1
    assert area_under_curve([0, 1], [2, 3]) == 0
    assert area_under_curve([1, 1], [1, 1]) == 0.5
    assert area_under_curve([1, 3], [0, 2]) == 0.75


@pytest.mark.full
def test_right_estimates_are_told_from_all_wrong_maps_and_wrong_ones_are_not() -> None:
    right = separation(compared([painted(number, scene(number)) for number in range(8)]))
    agreement: dict[str, dict[str, float]] = right["depth_agreement"]
    for kind in ("same family", "others", "mirrored"):
        assert agreement[kind]["area"] == agreement[kind]["from"] == 1
    assert agreement["own"]["50"] == 1
    wrong = separation(compared([painted(number, scene((number + 3) % 8)) for number in range(8)]))
    assert wrong["depth_agreement"]["others"]["area"] < 0.7
    assert len(list(lines_of(wrong))) == 4 * 4


@pytest.mark.full
def test_a_world_is_painted_once(tmp_path: Path) -> None:
    (first,) = painted_worlds(1, tmp_path)
    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns
    (again,) = painted_worlds(1, tmp_path)
    assert file.stat().st_mtime_ns == before
    assert first.wanted.shape == first.estimated.shape
    assert np.array_equal(first.estimated, again.estimated)
