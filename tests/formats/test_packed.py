"""Depth in the bytes of a colour: told from every other kind of picture."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.depth.numbers import Order, looks_packed, unpack_rgb24
from made_depth import smooth

FAR = 2**24 - 1


def street(
    height: int = 180, width: int = 320, nearest: float = 2.0, far: float = 1000.0
) -> NDArray[np.uint32]:
    """A floor, a few boxes and the sky, as a simulator renders them, in 2**24 / 1000 units a metre."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y = y / height - 0.45
    depth = np.where(y > 0, np.minimum(nearest * 0.55 / np.maximum(y, 1e-9), far), far)
    for left, right, top, metres in ((0.1, 0.3, -0.3, 12), (0.5, 0.55, -0.4, 7), (0.7, 0.95, -0.2, 25)):
        box = (x / width > left) & (x / width < right) & (y > top) & (y < nearest * 0.55 / metres)
        depth = np.where(box, np.minimum(depth, metres + 3 * (x / width - left)), depth)
    return np.floor(np.clip(depth / 1000, 0, 1) * FAR).astype(np.uint32)


def packed(values: NDArray[np.uint32], order: Order) -> NDArray[np.uint8]:
    planes = [(values >> shift & 255).astype(np.uint8) for shift in (0, 8, 16)]
    return np.stack(planes if order == "rgb" else planes[::-1], axis=-1)


def wavy(largest: int) -> NDArray[np.uint32]:
    return np.floor(smooth(200, 240) * largest).astype(np.uint32)


SCENES = {
    "street": street(),
    "near": street(nearest=0.6, far=60),
    "large": street(720, 1280),
    "whole": wavy(FAR),
    "half": wavy(FAR // 2),
    "few metres": wavy(60_000),
    "a metre": wavy(16_000),
}


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("scene", SCENES)
def test_packed_depth_is_told_and_comes_back(scene: str, order: Order) -> None:
    picture = packed(SCENES[scene], order)
    found, confidence = looks_packed(picture)
    assert found == order
    assert confidence > 0.5
    assert np.array_equal(unpack_rgb24(picture, order), SCENES[scene])


# Corners of eight colour maps, red green blue in 1/255, evenly apart: close to the real ones.
RAMPS: dict[str, list[tuple[int, int, int]]] = {
    "jet": [(0, 0, 128), (0, 0, 255), (0, 255, 255), (128, 255, 128), (255, 255, 0), (255, 0, 0), (128, 0,
    0)], "turbo": [(48, 18, 59), (70, 134, 251), (26, 228, 182), (164, 252, 60), (251, 126, 33), (122, 4, 3)],
    "viridis": [(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)], "inferno": [(0, 0,
    4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], "magma": [(0, 0, 4), (81, 18, 124),
    (183, 55, 121), (252, 137, 97), (252, 253, 191)], "hot": [(10, 0, 0), (255, 0, 0), (255, 255, 0), (255,
    255, 255)], "hsv": [(255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255),
    (255, 0, 0)], "bone": [(0, 0, 0), (84, 84, 116), (167, 199, 199), (255, 255, 255)], "coolwarm": [(59, 76,
    192), (221, 221, 221), (180, 4, 38)], "gray": [(0, 0, 0), (255, 255, 255)], }  # fmt: skip


def painted(values: NDArray[np.float64], ramp: str) -> NDArray[np.float64]:
    corners = np.array(RAMPS[ramp], dtype=np.float64)
    places = np.linspace(0, 1, len(corners))
    return np.stack([np.interp(values, places, corners[:, k]) for k in range(3)], axis=-1)


@pytest.mark.parametrize("grain", [0, 4])
@pytest.mark.parametrize("ramp", RAMPS)
def test_colour_maps_are_not_packed(ramp: str, grain: float) -> None:
    distance = street() / FAR
    for values in (smooth(200, 240), distance, 1 - distance**0.3, smooth(200, 240) * 0.2 + 0.4):
        picture = painted(values, ramp) + np.random.default_rng(6).normal(0, grain, (*values.shape, 3))
        assert looks_packed(np.clip(np.rint(picture), 0, 255).astype(np.uint8))[0] is None


def photo(sharpness: int) -> NDArray[np.uint8]:
    """Noise at every size, as natural pictures have; the channels go together, but not wholly."""
    noise = np.random.default_rng(7).uniform(0, 255, (sharpness, sharpness, 4)).astype(np.uint8)
    layers = [
        np.asarray(Image.fromarray(noise[..., k]).resize((300, 200), Image.Resampling.BICUBIC))
        for k in range(4)
    ]
    return np.stack([(layers[k] // 3 + layers[3] // 2) for k in range(3)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("sharpness", [4, 12, 40, 200])
def test_photos_and_noise_are_not_packed(sharpness: int) -> None:
    assert looks_packed(photo(sharpness))[0] is None
    noise = np.random.default_rng(8).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert looks_packed(noise)[0] is None
    assert looks_packed(np.zeros((50, 50, 3), np.uint8)) == (None, 0.0)
    assert looks_packed(np.full((8, 8, 3), 255, np.uint8)) == (None, 0.0)


def test_sixteen_bits_in_two_channels_alone() -> None:
    # A high byte that never moves is what near scenes have; the order then is that of the other two.
    assert looks_packed(packed(wavy(50_000), "bgr"))[0] == "bgr"
