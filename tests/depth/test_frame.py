"""What surrounds a map: bars, frames and pages are cut, sky and floors are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from depthpaint.depth.colour_map import colours_of
from depthpaint.depth.frame import find_frame
from made_depth import smooth

MAP = np.rint(smooth(60, 80) * 200 + 20).astype(np.uint8)


def box(picture: NDArray[Any]) -> tuple[int, int, int, int] | None:
    found = find_frame(picture)
    return None if found is None else (found.left, found.top, found.right, found.bottom)


@pytest.mark.parametrize("paper", [0, 255])
def test_bars_are_cut_on_two_sides_and_on_four(paper: int) -> None:
    picture = np.full((100, 120), paper, np.uint8)
    picture[20:80, 20:100] = MAP
    assert box(picture) == (20, 20, 100, 80)
    assert box(picture[:, 20:100]) == (0, 20, 80, 80)
    assert box(picture[20:80]) == (20, 0, 100, 60)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32, np.float64])
def test_larger_numbers_have_no_bars_and_no_page(dtype: Any) -> None:
    """An empty border is what a sensor did not measure."""
    picture = np.zeros((100, 120), dtype)
    picture[20:80, 20:100] = MAP.astype(dtype) + 300
    for part in (picture, picture[:, 20:100], picture[20:80], picture[:, :110]):
        assert box(part) is None


def test_a_colour_picture_is_cut_too() -> None:
    picture = np.zeros((100, 80, 3), np.uint8)
    picture[20:80] = colours_of("jet")[MAP].astype(np.uint8)
    assert box(picture) == (0, 20, 80, 80)


def test_sky_above_and_a_flat_floor_below_are_no_bars() -> None:
    sky = MAP.copy()
    sky[:20] = 0
    assert box(sky) is None
    floor = sky.copy()
    floor[-20:] = 255
    assert box(floor) is None, "other values at the top than at the bottom"
    uneven = MAP.copy()
    uneven[:20] = 0
    uneven[-4:] = 0
    assert box(uneven) is None, "bars are as wide above as below"


def test_a_thing_on_a_background_is_no_framed_map() -> None:
    picture = np.zeros((100, 100), np.uint8)
    y, x = np.mgrid[0:100, 0:100]
    picture[(x - 50) ** 2 + (y - 55) ** 2 < 900] = 180
    assert box(picture) is None


def test_a_standing_figure_is_no_map_between_bars() -> None:
    """It reaches from the top to the bottom of the picture, and its outline is no straight edge."""
    y, x = np.mgrid[0:160, 0:120].astype(np.float64)
    half_width = np.where(y < 110, 26 + 8 * np.sin(y / 8), 18)
    figure = np.where(np.abs(x - 60) < half_width, 160 + 0.3 * y, 0).astype(np.uint8)
    assert figure[0].any()
    assert figure[-1].any()
    assert box(figure) is None
    assert box(figure.T) is None
    between = np.zeros((160, 120), np.uint8)
    between[:, 26:94] = MAP[0].repeat(2)[:68]
    assert box(between) == (26, 0, 94, 160)


@pytest.mark.parametrize("name", ["viridis", "jet", "gray"])
def test_a_page_with_axes_a_title_and_a_colour_bar(name: Any) -> None:
    page = Image.new("RGB", (200, 140), "white")
    table = colours_of(name).astype(np.uint8)
    draw = ImageDraw.Draw(page)
    draw.rectangle((29, 29, 110, 90), outline="black")
    page.paste(Image.fromarray(table[MAP]), (30, 30))
    bar = np.repeat(np.linspace(255, 0, 60).astype(int)[:, None], 6, axis=1)
    page.paste(Image.fromarray(table[bar]), (130, 30))
    for k in range(5):
        draw.line((25, 30 + 14 * k, 28, 30 + 14 * k), fill="black")
        draw.text((140, 28 + 14 * k), f"{k}", fill="black")
    draw.text((50, 8), "Depth", fill="black")
    found = find_frame(np.asarray(page))
    assert found is not None
    assert "colour bar" in found.what
    assert abs(np.array([found.left, found.top, found.right, found.bottom]) - (30, 30, 110, 90)).max() <= 3
    inside = found.cut(np.asarray(page))
    assert not (inside.sum(axis=-1) == 0).all(axis=1).any(), "the line around the map is gone"


def test_strange_numbers_have_no_frame() -> None:
    for strange in (
        np.full((40, 40), np.nan),
        np.full((40, 40), np.inf),
        np.zeros((40, 40), bool),
        MAP[:4, :4],
    ):
        assert find_frame(strange) is None


def test_a_map_that_ends_in_the_colour_of_the_paper_is_cut_along_its_line() -> None:
    page = Image.new("RGB", (200, 140), "white")
    ImageDraw.Draw(page).rectangle((29, 29, 110, 90), outline="black")
    bright = np.rint(smooth(60, 80) * 200 + 20).astype(np.uint8)
    bright[40:] = 255
    page.paste(Image.fromarray(bright), (30, 30))
    found = find_frame(np.asarray(page))
    assert found is not None
    assert (found.top, found.bottom) == pytest.approx((30, 90), abs=3)
