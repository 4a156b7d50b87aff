"""Lines where depth jumps, one pixel wide, and none where it only slopes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.depth.hints import edges_of


def disc(step: float) -> np.ndarray:
    y, x = np.mgrid[0:80, 0:80]
    return (0.3 + step * ((x - 40) ** 2 + (y - 40) ** 2 < 25**2)).astype(np.float32)


def test_a_disc_is_a_thin_ring() -> None:
    lines = edges_of(disc(0.5))
    y, x = np.nonzero(lines)
    radius = np.hypot(x - 40, y - 40)
    assert (np.abs(radius - 25) < 2).all()
    assert 0.7 * 2 * np.pi * 25 < len(x) < 1.5 * 2 * np.pi * 25


def test_a_slope_is_no_edge() -> None:
    slope = np.repeat(np.linspace(0, 1, 100, dtype=np.float32)[:, None], 100, axis=1)
    assert not edges_of(slope).any()


def test_faint_edges_go_on_from_strong_ones_only() -> None:
    fading = np.zeros((80, 80), np.float32)
    fading[:, 40:] = np.linspace(0.3, 0.04, 80, dtype=np.float32)[:, None]
    faint = fading[60:]
    assert not edges_of(faint).any()
    assert edges_of(fading)[62:].any(), "the strong part draws the faint one on"


def test_maps_one_pixel_wide_have_edges_too() -> None:
    line = np.array([[0, 0, 0, 0, 1, 1, 1, 1]], np.float32)
    assert edges_of(line).sum() == edges_of(line.T).sum() == 1
    assert edges_of(line[:, :1]).sum() == 0


def test_a_long_winding_line_is_followed_at_its_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    side, period = 128, 8
    winding = np.full((side, side), 0.4, np.float32)
    for number, top in enumerate(range(4, side - 2 * period, period)):
        winding[top : top + 4, 4:-4] = 0.47
        turn = slice(-8, -4) if number % 2 == 0 else slice(4, 8)
        winding[top : top + period, turn] = 0.47
    winding[4:8, 4:60] = np.linspace(0.6, 0.47, 56)
    visited: list[int] = []
    unique = np.unique

    def counted(near: NDArray[np.int64]) -> NDArray[np.int64]:
        visited.append(near.size)
        return unique(near)

    monkeypatch.setattr(np, "unique", counted)
    lines = edges_of(winding).sum()
    assert lines > 10 * side, "the line is followed to its end"
    assert sum(visited) <= 8 * lines, "each pixel of a line is visited from its neighbours only"
