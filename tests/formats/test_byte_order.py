"""Numbers whose bytes are in the wrong order are noticed, and no map in the right order is taken for one."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from decoding import samples
from numpy.typing import NDArray
from PIL import Image

from made_depth import npy, smooth
from made_png import png

Array = NDArray[Any]
SIDES = 120, 160
Y, X = np.mgrid[0 : SIDES[0], 0 : SIDES[1]]


def scene(near: float, far: float) -> Array:
    """Metres: a floor, a wall, three boxes and a ball before it."""
    depth = np.minimum(far, near + (far - near) * (1 - Y / SIDES[0]) ** 0.7)
    for k, at in enumerate((20, 70, 125)):
        box = (abs(X - at) < 14) & (Y > 40 + 9 * k)
        depth = np.where(box, near + (far - near) * (0.2 + 0.2 * k), depth)
    ball = (X - 100) ** 2 + (Y - 80) ** 2 < 20**2
    return np.where(ball, near + (far - near) * 0.1, depth)


def maps() -> dict[str, Array]:
    """Maps of 16 bits as sensors, simulators and programs write them, all in the right order."""
    rng = np.random.default_rng(7)
    room, far, table = scene(0.6, 5), scene(2, 80), scene(0.35, 0.7)
    noisy = room + rng.normal(0, 0.004, SIDES) * room**2
    blotches = np.kron(rng.random((SIDES[0] // 8, SIDES[1] // 8)), np.ones((8, 8))) < 0.3
    eight = np.rint(255 * (1 - room / room.max()))
    return {
        "millimetres": room * 1000,
        "millimetres with noise": noisy * 1000,
        "millimetres with holes": np.where(blotches, 0, noisy * 1000),
        "a table in tenths of millimetres": table * 10_000,
        "a table in millimetres": table * 1000,
        "kitti": far * 256,
        "tum": room * 5000,
        "centimetres": far * 100,
        "stretched": (room - room.min()) / np.ptp(room) * 65_535,
        "disparity stretched": (1 / room - 0.2) / 1.5 * 65_535,
        "disparity in sixteenths": 400 / room * 16,
        "few levels": np.round(room * 10) * 100,
        "kinect, in steps": np.round(1090 - 350 / room),
        "12 bits at the top": np.rint(room * 700) * 16,
        "8 bits times 256": eight * 256,
        "8 bits times 257": eight * 257,
        "8 bits times 256.05": np.floor(eight * 256.05),
        "8 bits times 256, with noise": eight * 256 + rng.integers(0, 256, SIDES),
        "8 bits times 256, marks at the end": np.where(blotches, 65_535, eight * 256),
        "noise": rng.integers(0, 65_536, SIDES),
        "slope": Y * 300 + X,
        "steep slope": Y * 10 + X * 400,
        "two values": np.where(room > 2, 1000, 4000),
        "flat": np.full(SIDES, 1234),
        "15 bits": smooth(*SIDES) * 32_767,
    }


MAPS = {name: np.clip(np.rint(values), 0, 65_535).astype(np.uint16) for name, values in maps().items()}
SWAPPED = (
    "millimetres", "millimetres with noise", "millimetres with holes", "a table in tenths of millimetres",
    "kitti", "tum", "centimetres", "stretched", "disparity stretched", "disparity in sixteenths", "15 bits",
)  # fmt: skip


def is_noticed(read: Any) -> bool:
    return any("wrong order" in note for note in read.notes)


@pytest.mark.parametrize("name", MAPS)
def test_the_right_order_is_left_alone(name: str) -> None:
    for values in (
        MAPS[name],
        MAPS[name][::-1].T.copy(),
        MAPS[name].astype(">u2"),
        MAPS[name][:40, :40].copy(),
    ):
        read = samples(npy(values))
        assert not is_noticed(read)
        assert np.array_equal(read.values, values)


@pytest.mark.parametrize("name", SWAPPED)
def test_the_wrong_order_is_noticed_and_put_right(name: str) -> None:
    stored = MAPS[name].byteswap()
    files = {
        "npy": npy(stored),
        "signed": npy(stored.view(np.int16)),
        "png": png(stored, 16),
        "pgm": b"P5 160 120 65535\n" + MAPS[name].astype("<u2").tobytes(),
    }
    for kind, data in files.items():
        read = samples(data)
        assert is_noticed(read), kind
        assert np.array_equal(read.values.astype(np.uint16), MAPS[name]), kind


def test_a_tiff_in_the_wrong_order() -> None:
    stream = BytesIO()
    Image.fromarray(MAPS["millimetres"].byteswap()).save(stream, "TIFF")
    read = samples(stream.getvalue())
    assert is_noticed(read) and np.array_equal(read.values, MAPS["millimetres"])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_floats_in_the_wrong_order(dtype: str) -> None:
    for values in (scene(0.6, 5), 1 / scene(0.6, 5), scene(2, 80) * 1000 - 500, smooth(*SIDES) * 1e-6):
        right = values.astype(dtype)
        assert not is_noticed(samples(npy(right)))
        read = samples(npy(right.byteswap()))
        assert is_noticed(read)
        assert np.array_equal(read.values, right)
    # A PFM whose scale has the wrong sign.
    right = scene(0.6, 5).astype("<f4")
    read = samples(b"Pf\n160 120\n1.0\n" + right[::-1].tobytes())
    assert is_noticed(read) and np.array_equal(read.values, right)


def test_floats_of_any_range_are_left_alone() -> None:
    rng = np.random.default_rng(3)
    for values in (
        np.where(Y < 40, 1e10, scene(0.6, 5)), np.where(Y < 40, np.finfo("f4").max, scene(0.6, 5)),
        np.exp(rng.normal(0, 9, SIDES)), smooth(*SIDES) * 1e-40, np.zeros(SIDES),
        np.where(rng.random(SIDES) < 0.4, 1e-30, scene(0.6, 5)),
    ):  # fmt: skip
        assert not is_noticed(samples(npy(values.astype(np.float32))))
