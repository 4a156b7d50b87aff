"""Every branch of the size arithmetic, as named tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from depthpaint.core.geometry import Box, Extent, Fit
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.plan import plan_sizes

Pair = tuple[int, int]
HABITS = replace(
    DIORAMA, output_area=None, trained_area=128 * 128, smallest_area=96 * 96, largest_area=176 * 176
)
SD15 = replace(
    HABITS, name="sd15", trained_area=512 * 512, smallest_area=384 * 384, largest_area=768 * 768, multiple=8
)


@pytest.mark.parametrize(
    ("depth", "options", "content", "canvas", "output"),
    [
        pytest.param((128, 128), {}, (128, 128), (128, 128), (128, 128), id="square map at its trained size"),
        pytest.param((2668, 2668), {}, (128, 128), (128, 128), (128, 128), id="huge square map"),
        pytest.param((940, 564), {}, (165, 99), (192, 128), (165, 99), id="5:3 map, neither side a multiple"),
        pytest.param(
            (168, 168), {"size": "depth"}, (168, 168), (192, 192), (168, 168), id="the map's own size"
        ),
        pytest.param((177, 177), {"size": "depth"}, (128, 128), (128, 128), (177, 177), id="just too large"),
        pytest.param(
            (564, 564), {"size": Extent(940, 564)}, (165, 99), (192, 128), (940, 564), id="asked size"
        ),
        pytest.param((128, 128), {"size": Extent(8, 8)}, (128, 128), (128, 128), (8, 8), id="tiny output"),
        pytest.param(
            (128, 128), {"size": Extent(97, 101)}, (97, 101), (128, 128), (97, 101), id="odd, in range"
        ),
        pytest.param((128, 128), {"aspect": 5 / 3}, (165, 99), (192, 128), (165, 99), id="aspect"),
        pytest.param((128, 128), {"aspect": 1 / 16}, (32, 512), (32, 512), (32, 512), id="extreme aspect"),
        pytest.param((1, 4096), {}, (2, 8192), (32, 8192), (2, 8192), id="absurd map"),
        pytest.param(
            (8192, 8192), {"size": Extent(8192, 8192)}, (128, 128), (128, 128), (8192, 8192), id="huge"
        ),
    ],
)
def test_sizes(depth: Pair, options: dict[str, Any], content: Pair, canvas: Pair, output: Pair) -> None:
    sizes = plan_sizes(Extent(*depth), HABITS, **options)
    assert sizes.content_size == Extent(*content)
    assert sizes.canvas_size == Extent(*canvas)
    assert sizes.output_size == Extent(*output)
    assert sizes.latent_size == Extent(canvas[0] // 8, canvas[1] // 8)
    assert sizes.resized == (content != output)


@pytest.mark.parametrize("size", [(512, 631), (640, 479), (513, 511), (400, 400), (767, 384)])
def test_a_model_of_multiple_8_paints_any_size_in_range_at_one_to_one(size: Pair) -> None:
    sizes = plan_sizes(Extent(1000, 800), SD15, size=Extent(*size))
    assert sizes.content_size == sizes.output_size == Extent(*size)
    assert sizes.canvas_size.width % 8 == sizes.canvas_size.height % 8 == 0
    assert 0 <= sizes.canvas_size.width - size[0] < 8
    assert 0 <= sizes.canvas_size.height - size[1] < 8


def test_the_content_lies_inside_the_canvas_and_keeps_its_size() -> None:
    for width in (97, 99, 128, 133, 165, 176):
        for height in (97, 100, 131, 164):
            sizes = plan_sizes(Extent(640, 480), HABITS, size=Extent(width, height))
            box = sizes.content_box
            assert (box.right - box.left, box.bottom - box.top) == tuple(sizes.content_size)
            assert box.left >= 0
            assert box.top >= 0
            assert box.right <= sizes.canvas_size.width
            assert box.bottom <= sizes.canvas_size.height


def test_fit_decides_how_the_map_lies_on_the_content() -> None:
    def placed(fit: Fit) -> tuple[Box, Box]:
        placement = plan_sizes(Extent(300, 100), HABITS, size=Extent(120, 120), fit=fit).depth_placement
        return placement.source, placement.target

    assert placed(Fit.PAD) == (Box(0, 0, 300, 100), Box(0, 40, 120, 80))
    assert placed(Fit.CROP) == (Box(100, 0, 200, 100), Box(0, 0, 120, 120))
    assert placed(Fit.STRETCH) == (Box(0, 0, 300, 100), Box(0, 0, 120, 120))


def test_a_size_that_nobody_asked_for_is_the_models_habit() -> None:
    habits = replace(HABITS, output_area=4 * HABITS.trained_area)
    plain, large = plan_sizes(Extent(300, 200), HABITS), plan_sizes(Extent(300, 200), habits)
    assert large.output_size.width == pytest.approx(2 * plain.output_size.width, abs=1)
    assert large.content_size.pixels == pytest.approx(plain.content_size.pixels, rel=0.02), "then enlarged"
    assert large.enlarged
    wide = plan_sizes(Extent(300, 200), habits, aspect=2.0).output_size
    assert wide.pixels == pytest.approx(habits.output_area, rel=0.02)
    assert plan_sizes(Extent(300, 200), habits, size="depth").output_size == (300, 200)
