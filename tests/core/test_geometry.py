"""Sizes and placements, in tables."""

from __future__ import annotations

import math

import pytest

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.geometry import Box, Extent, Fit, parse_aspect, place


@pytest.mark.parametrize("text", ["940x564", " 940X564 ", "940×564", "940 x 564"])
def test_a_size_is_read(text: str) -> None:
    extent = Extent.parse(text)
    assert extent == (940, 564)
    assert str(extent) == "940x564"
    assert extent.pixels == 530_160
    assert extent.ratio == 940 / 564


@pytest.mark.parametrize(
    "text", ["", "940", "x", "0x5", "5x0", "-1x5", "5.0x5", "5x5x5", "axb", "9" * 10 + "x1", "٣x٣", "5x5\n6"]
)
def test_what_is_no_size_is_told(text: str) -> None:
    with pytest.raises(ParameterError, match="940x564") as refused:
        Extent.parse(text)
    assert refused.value.code is ErrorCode.INVALID_PARAMETER


@pytest.mark.parametrize(
    ("text", "ratio"),
    [("5:3", 5 / 3), ("1.5", 1.5), ("1:16", 1 / 16), ("16:1", 16), ("0.0625", 1 / 16), ("2.35:1", 2.35)],
)
def test_an_aspect_is_read(text: str, ratio: float) -> None:
    assert parse_aspect(text) == pytest.approx(ratio)


@pytest.mark.parametrize(
    "text", ["", "0", "0:1", "1:0", "1:17", "16.1", "-1", "nan", "inf", "1:1:1", "a:b", "5/3"]
)
def test_what_is_no_aspect_is_told(text: str) -> None:
    with pytest.raises(ParameterError, match="5:3"):
        parse_aspect(text)


@pytest.mark.parametrize(
    ("extent", "area", "scaled"),
    [
        (Extent(512, 512), 512 * 512, Extent(512, 512)),
        (Extent(168, 168), 512 * 512, Extent(512, 512)),
        (Extent(2668, 2668), 128 * 128, Extent(128, 128)),
        (Extent(940, 564), 512 * 512, Extent(661, 397)),
        (Extent(1, 4096), 4096, Extent(1, 4096)),
        (Extent(1, 4096), 64, Extent(1, 512)),
        (Extent(100_000, 1), 1, Extent(316, 1)),
        (Extent(10**9, 10**9), 1, Extent(1, 1)),
        (Extent(1, 1), 10**12, Extent(10**6, 10**6)),
    ],
)
def test_scaling_to_an_area(extent: Extent, area: int, scaled: Extent) -> None:
    assert extent.scaled_to_area(area) == scaled


@pytest.mark.parametrize(
    ("extent", "multiple", "ceiled"),
    [
        ((564, 940), 8, (568, 944)),
        ((512, 512), 64, (512, 512)),
        ((1, 65), 64, (64, 128)),
        ((7, 7), 1, (7, 7)),
    ],
)
def test_ceiling(extent: tuple[int, int], multiple: int, ceiled: tuple[int, int]) -> None:
    assert Extent(*extent).ceil_to(multiple) == ceiled


PAD, CROP = Fit.PAD, Fit.CROP
PLACES = [
    ((100, 60), (100, 100), PAD, (0, 0, 100, 60), (0, 20, 100, 80)),
    ((60, 100), (100, 100), PAD, (0, 0, 60, 100), (20, 0, 80, 100)),
    ((100, 60), (60, 60), CROP, (20, 0, 80, 60), (0, 0, 60, 60)),
    ((60, 100), (60, 60), CROP, (0, 20, 60, 80), (0, 0, 60, 60)),
    ((177, 177), (64, 33), PAD, (0, 0, 177, 177), (15, 0, 48, 33)),
    ((1, 4096), (4096, 4096), PAD, (0, 0, 1, 4096), (2047, 0, 2048, 4096)),
    ((1, 4096), (512, 8), PAD, (0, 0, 1, 4096), (255, 0, 256, 8)),
    ((4096, 1), (64, 64), PAD, (0, 0, 4096, 1), (0, 31, 64, 32)),
    ((8, 8), (8192, 8), CROP, (0, 3.99609375, 8, 4.00390625), (0, 0, 8192, 8)),
    ((640, 479), (512, 512), CROP, (80.5, 0, 559.5, 479), (0, 0, 512, 512)),
    ((10**9, 10**9), (10**9, 10**8), PAD, (0, 0, 10**9, 10**9), (450_000_000, 0, 550_000_000, 10**8)),
]


@pytest.mark.parametrize(("source", "target", "fit", "used", "lands"), PLACES)
def test_places(
    source: tuple[int, int],
    target: tuple[int, int],
    fit: Fit,
    used: tuple[float, ...],
    lands: tuple[int, ...],
) -> None:
    placement = place(Extent(*source), Extent(*target), fit)
    assert placement.source == pytest.approx(used)
    assert placement.target == lands
    assert all(isinstance(side, int) for side in placement.target)


@pytest.mark.parametrize("source", [(940, 564), (177, 177), (1, 4096), (2668, 2001), (3, 7)])
@pytest.mark.parametrize("area", [4096, 128 * 128, 512 * 512, 1_000_003])
def test_equal_ratios_give_one_placement(source: tuple[int, int], area: int) -> None:
    """The size that a map's own ratio gives holds the whole map, whatever rounding did to it."""
    extent = Extent(*source)
    for target in (extent, Extent(extent.width * 3, extent.height * 3), extent.scaled_to_area(area)):
        if min(extent.scaled_to_area(area)) == 1:
            continue  # a side that was raised to 1 has no ratio left
        for fit in Fit:
            placement = place(extent, target, fit)
            assert placement.source == (0, 0, *extent)
            assert placement.target == (0, 0, *target)


@pytest.mark.parametrize("source", [(13, 7), (101, 999), (1, 4096), (8, 8), (3000, 17)])
@pytest.mark.parametrize("target", [(1, 1), (8, 8), (512, 512), (19, 1024), (8192, 8)])
def test_laws_of_placement(source: tuple[int, int], target: tuple[int, int]) -> None:
    for fit in Fit:
        placement = place(Extent(*source), Extent(*target), fit)
        for box, (width, height) in ((placement.source, source), (placement.target, target)):
            assert 0 <= box.left < box.right <= width
            assert 0 <= box.top < box.bottom <= height
            # Centred, to the half pixel that a grid leaves.
            assert abs(box.left - (width - box.right)) <= 1
            assert abs(box.top - (height - box.bottom)) <= 1
        if fit is not Fit.PAD:
            assert placement.target == (0, 0, *target)
        if fit is not Fit.CROP:
            assert placement.source == (0, 0, *source)


def test_crop_keeps_the_ratio() -> None:
    used: Box = place(Extent(1000, 300), Extent(64, 96), Fit.CROP).source
    assert math.isclose((used.right - used.left) / (used.bottom - used.top), 64 / 96)
