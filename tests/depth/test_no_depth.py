"""Colour pictures that are no depth, though their colours lie on a map: drawings, icons, screenshots."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from depthpaint.core.errors import DepthError
from depthpaint.depth.colour_map import ColourMapName, colours_of, read_colours
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth
from made_depth import smooth

Picture = NDArray[np.uint8]


def flat_drawing() -> Picture:
    """Shapes of flat colours, all of them on "hot"."""
    colours = [tuple(int(c) for c in colours_of("hot")[k]) for k in (0, 60, 110, 160, 200, 255)]
    page = Image.new("RGB", (160, 120), colours[-1])
    pen = ImageDraw.Draw(page)
    for k, colour in enumerate(colours):
        pen.ellipse((5 + 25 * k, 10 + 9 * k, 40 + 25 * k, 60 + 9 * k), fill=colour)
    return np.asarray(page)


def smoothed_drawing() -> Picture:
    """Black, orange and green lines on white, with smoothed edges: few colours are off "hot"."""
    page = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(page)
    for k in range(12):
        pen.line(
            (20, 20 + 38 * k, 620, 60 + 30 * k), fill=("black", "orange", "black", "green")[k % 4], width=6
        )
    return np.asarray(page.resize((160, 120), Image.Resampling.BOX))


def screenshot() -> Picture:
    """Gray shapes with some strongly coloured pixels."""
    picture = np.repeat(np.rint(smooth(120, 160) * 255).astype(np.uint8)[..., None], 3, axis=2)
    picture[10:14, 20:25] = (255, 0, 0)
    picture[90:94, 120:124] = (0, 90, 255)
    return picture


@pytest.mark.parametrize("make", [flat_drawing, smoothed_drawing, screenshot])
def test_a_drawing_is_no_map_unless_it_is_given(make: Callable[[], Picture], tmp_path: Path) -> None:
    path = tmp_path / "drawing.png"
    Image.fromarray(make()).save(path)
    with pytest.raises(DepthError, match=r"flat colours|far from the map|jump") as refused:
        read_depth(path)
    assert "--colour-map" in refused.value.remedy
    assert read_depth(path, DepthReading(colour_map="hot", near="white")).source.colour_map == "hot"


@pytest.mark.parametrize("name", ["hot", "jet", "bone", "viridis"])
def test_maps_with_few_or_steep_depths_are_still_read(name: ColourMapName) -> None:
    """A small thing on a background, 24 levels of depth, and boxes with sharp edges."""
    thing = np.full((120, 160), 0.02)
    thing[40:90, 60:100] = 0.5 + 0.5 * smooth(50, 40)
    levels = np.rint(smooth(120, 160) * 23) / 23
    boxes = 0.6 * smooth(120, 160)
    for k in range(6):
        boxes[10 + 15 * k : 30 + 15 * k, 20 * k : 20 * k + 24] = 0.15 * k + 0.1
    for depth in (thing, levels, boxes):
        reading = read_colours(colours_of(name)[np.rint(depth * 255).astype(int)].astype(np.uint8))
        assert (reading.name, reading.doubt) == (name, "")


def test_single_points_have_no_steps_that_count() -> None:
    rng = np.random.default_rng(0)
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[::3, ::4] = colours_of("jet")[rng.integers(0, 256, (40, 40))].astype(np.uint8)
    reading = read_colours(picture)
    assert (reading.name, reading.smooth, reading.accepted) == ("jet", 1.0, True)
