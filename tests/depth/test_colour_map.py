"""Colour maps: along the map and back, and what is no map."""

from __future__ import annotations

import numpy as np
from made_depth import bone, smooth

from depthpaint.depth.colour_map import nearest_on_curve, read_colours


def test_every_colour_of_bone_is_read_in_order() -> None:
    positions, distances = nearest_on_curve("bone", bone(np.arange(256) / 255) / 255)
    assert np.all(np.diff(positions) > 0.3 / 255)
    assert np.abs(positions * 255 - np.arange(256)).max() < 1
    assert distances.max() * 255 < 1.5


def test_exact_colours_give_exact_positions() -> None:
    places = np.linspace(0, 1, 1001)
    colours = np.stack((
        np.interp(places, (0, 0.746032, 1), (0, 0.652778, 1)),
        np.interp(places, (0, 0.365079, 0.746032, 1), (0, 0.319444, 0.777778, 1)),
        np.interp(places, (0, 0.365079, 1), (0, 0.444444, 1)),
    ), axis=1)  # fmt: skip
    positions, distances = nearest_on_curve("bone", colours)
    assert np.abs(positions - places).max() < 1e-6
    assert distances.max() < 1e-6


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


def test_a_coloured_corner_is_enough_to_refuse() -> None:
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
