"""Colour maps: along the map and back, through JPEG too, and what is no map."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError
from depthpaint.depth.colour_map import (
    NAMES,
    ColourMapName,
    Reading,
    colours_of,
    nearest_on_map,
    read_colours,
    repaired,
)
from depthpaint.depth.numbers import numbers_of
from depthpaint.formats.samples import Samples
from made_depth import bone, smooth


def painted(
    name: ColourMapName, positions: NDArray[np.float64], *, swapped: bool = False
) -> NDArray[np.uint8]:
    return colours_of(name, swapped)[np.rint(positions * 255).astype(int)].astype(np.uint8)


def by_jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    stream = BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def scene(side: int = 160) -> NDArray[np.float64]:
    """A floor with a ball, and things with sharp edges on it."""
    depth = smooth(side, side) * 0.8
    depth[side // 4 : side // 2, side // 8 : side // 3] = 0.95
    depth[side // 3 : side // 2, side // 2 : side * 3 // 4] = 0.25
    return depth


def rms(reading: Reading, picture: NDArray[np.uint8], limit: float, depth: NDArray[np.float64]) -> float:
    values, _ = repaired(picture, reading, limit)
    return float(np.sqrt(np.mean((values - depth) ** 2)) * 255)


def test_the_tables_are_the_published_maps() -> None:
    """Corners that the definitions of matplotlib give, to a level."""
    places = {
        ("jet", 0): (0, 0, 128), ("jet", 255): (128, 0, 0), ("hot", 255): (255, 255, 255),
        ("viridis", 0): (68, 1, 84), ("viridis", 255): (253, 231, 37), ("turbo", 0): (48, 18, 59),
        ("turbo", 255): (122, 4, 3), ("magma", 255): (252, 253, 191), ("Spectral", 0): (158, 1, 66),
        ("coolwarm", 0): (59, 76, 192), ("hsv", 0): (255, 0, 0), ("cividis", 0): (0, 34, 78),
    }  # fmt: skip
    for (name, index), colour in places.items():
        assert np.abs(colours_of(name)[index] - colour).max() <= 1, (name, index)
    assert np.abs(colours_of("bone") - bone(np.arange(256) / 255)).max() <= 1
    assert np.array_equal(colours_of("gray")[:, 0], np.arange(256))


@pytest.mark.parametrize("name", NAMES)
def test_every_map_is_known_and_read_to_half_a_level(name: ColourMapName) -> None:
    depth = scene()
    for positions in (depth, 1 - depth):
        picture = painted(name, positions)
        reading = read_colours(picture)
        assert (reading.name, reading.swapped, reading.accepted) == (name, False, True)
        assert reading.confidence > 0.9
        assert rms(reading, picture, 6, positions) < 0.6


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("gray", "jet", "hsv")])
def test_red_and_blue_may_be_exchanged(name: ColourMapName) -> None:
    picture = painted(name, scene(), swapped=True)
    reading = read_colours(picture)
    assert (reading.name, reading.swapped) == (name, True)
    assert rms(reading, picture, 6, scene()) < 0.5


@pytest.mark.parametrize("quality", [90, 75])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "gray"])
def test_jpeg_costs_little(name: ColourMapName, quality: int) -> None:
    picture = by_jpeg(painted(name, scene(256)), quality)
    reading = read_colours(picture, lossy=True)
    assert (reading.name, reading.accepted) == (name, True)
    values, _ = repaired(picture, reading, 16, 6)
    assert np.sqrt(np.mean((values - scene(256)) ** 2)) * 255 <= 1.5


def test_mixed_colours_take_the_depth_of_a_neighbour() -> None:
    depth = np.full((60, 60), 0.05)
    depth[:, 30:] = 0.95
    picture = painted("jet", depth)
    picture[:, 30] = picture[:, [29, 31]].mean(axis=1)  # blue and red make a purple that jet does not have
    reading = read_colours(picture)
    assert 0.1 < reading.values[5, 30] < 0.9 or reading.distance[5, 30] > 6
    values, share = repaired(picture, reading, 6)
    assert share == pytest.approx(1 / 60)
    assert set(np.round(values[:, 30], 1).tolist()) <= {np.float32(0.1).item(), 0.0, 0.9, 1.0, 0.1}
    assert np.abs(values - depth)[:, [29, 31]].max() < 0.01


def test_positions_between_the_colours_are_found() -> None:
    table = colours_of("viridis")
    between = (table[:-1] + 0.25 * np.diff(table, axis=0)).astype(np.float32)
    positions, distances = nearest_on_map(table, between)
    moved = np.linalg.norm(np.diff(table, axis=0), axis=1) > 0
    # Where a map hardly moves, its neighbours in 8 bits are as near.
    assert np.median(np.abs(positions * 255 - np.arange(255) - 0.25)[moved]) < 0.02
    assert np.median(distances) < 0.01
    assert distances.max() < 0.5


def test_nearly_gray_is_gray_and_a_photo_is_nothing() -> None:
    gray = np.rint(smooth(40, 50) * 250).astype(np.uint8)[..., None] + np.array([0, 1, 2], np.uint8)
    reading = read_colours(gray)
    assert (reading.name, reading.accepted) == ("gray", True)
    photo = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    assert not read_colours(photo).accepted


def test_confidence_falls_with_noise_until_the_map_is_refused() -> None:
    clean = bone(smooth(60, 60)).astype(np.float64)
    noise = np.random.default_rng(0).normal(0, 1, clean.shape)
    readings = [read_colours(np.clip(clean + noise * s, 0, 255).astype(np.uint8)) for s in (0, 1, 2, 4, 8)]
    confidences = [reading.confidence for reading in readings]
    assert confidences == sorted(confidences, reverse=True)
    assert readings[0].accepted
    assert not readings[-1].accepted
    assert all(reading.accepted == (reading.confidence >= 0.5) for reading in readings)


def test_a_coloured_corner_is_enough_to_refuse_what_is_nearly_gray() -> None:
    picture = bone(smooth(100, 100))
    picture[:12, :12] = picture[:12, :12] // 2 + np.array([30, 0, 0], np.uint8)
    reading = read_colours(picture)
    assert reading.mean < 2 < 6 < reading.tail
    assert not reading.accepted


def test_only_counted_pixels_decide() -> None:
    picture = bone(smooth(40, 40))
    picture[:10] = (255, 0, 0)
    counted = np.ones((40, 40), dtype=np.bool_)
    counted[:10] = False
    assert not read_colours(picture).accepted
    assert read_colours(picture, counted).accepted
    assert read_colours(picture, np.zeros((40, 40), dtype=np.bool_)).mean == 0


def test_a_told_map_is_the_one_that_is_read() -> None:
    picture = painted("viridis", scene())
    assert read_colours(picture, only="plasma").name == "plasma"


def test_a_lossy_hsv_that_shows_both_of_its_reds_is_refused() -> None:
    picture = by_jpeg(painted("hsv", scene()), 90)
    samples = Samples(values=picture, opaque=None, bits=8, lossy=True)
    with pytest.raises(DepthError, match="both red"):
        numbers_of("map.jpg", samples, picture, None, "auto")
    assert numbers_of("map.jpg", samples, picture, None, "hsv").colour_map == "hsv"
    inner = by_jpeg(painted("hsv", 0.1 + 0.8 * scene()), 90)
    assert numbers_of("map.jpg", samples, inner, None, "auto").colour_map == "hsv"


def test_a_noisy_jet_is_not_called_swapped() -> None:
    """Jet with red and blue exchanged is nearly its own reverse; noise must not decide between them."""
    noise = np.random.default_rng(0).normal(0, 5, (160, 160, 3))
    for depth in (scene(), 1 - scene()):
        picture = np.clip(painted("jet", depth) + noise, 0, 255).astype(np.uint8)
        assert not read_colours(picture).swapped
        assert not read_colours(picture[..., ::-1]).swapped


def test_lossy_pictures_are_read_by_brightness() -> None:
    picture = by_jpeg(painted("turbo", smooth(256, 256) ** 2), 60)
    errors = [
        np.sqrt(np.mean((read_colours(picture, lossy=lossy).values - smooth(256, 256) ** 2) ** 2))
        for lossy in (True, False)
    ]
    assert errors[0] < 0.95 * errors[1]
