"""NPY files: every type of number, and headers that lie."""

from __future__ import annotations

import os
import pickle
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, DepthpaintError, ErrorCode, UnsafeFormatError
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth
from made_depth import Save, npy, smooth

Array = NDArray[Any]


def refused(save: Save, data: bytes) -> DepthpaintError:
    with pytest.raises((DepthError, UnsafeFormatError)) as caught:
        read_depth(save("map.npy", data))
    error = caught.value
    assert "map.npy" in str(error)
    assert error.remedy
    assert "allow_pickle" not in str(error)
    return error


def headed(text: str, data: bytes = bytes(16), version: int = 1) -> bytes:
    width = 2 if version == 1 else 4
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(width, "little") + text.encode() + data


def of_shape(shape: str, descr: str = "<f4") -> str:
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"


TYPES = [
    "|i1",
    "|u1",
    "<i2",
    ">i2",
    "<u2",
    ">u2",
    "<i4",
    ">u4",
    "<i8",
    ">i8",
    "<u8",
    "<f2",
    ">f2",
    "<f4",
    ">f4",
    "<f8",
    ">f8",
]


@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_of_number(save: Save, dtype: str) -> None:
    numbers = np.rint(smooth(20, 30) * 100).astype(dtype)
    depth = read_depth(save("map.npy", npy(numbers)))
    assert np.array_equal(depth.values, (np.rint(smooth(20, 30) * 100) / 100).astype(np.float32))
    assert depth.values.dtype == np.float32
    assert depth.source.container_bits == numbers.itemsize * 8
    assert depth.source.raw_range == (0, 100)


def test_booleans(save: Save) -> None:
    depth = read_depth(save("map.npy", npy(smooth(20, 30) > 0.5)), DepthReading(near="white"))
    assert np.array_equal(depth.values, smooth(20, 30) > 0.5)
    assert (depth.source.levels, depth.source.bits_used) == (2, 1)


@pytest.mark.parametrize("array", [
    np.zeros((9, 9), np.complex64), np.zeros((9, 9), "<U5"), np.zeros((9, 9), [("z", "<f4")]),
    np.zeros((9, 9), "<M8[s]"), np.zeros((9, 9), "V4"), np.zeros((9, 9), "S3"), np.zeros((9, 9), "<m8[s]"),
], ids=lambda array: str(array.dtype))  # fmt: skip
def test_what_is_no_number(save: Save, array: Array) -> None:
    assert refused(save, npy(array)).code is ErrorCode.DEPTH_BAD_DTYPE


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_format(save: Save, version: int) -> None:
    text = "{'shape': (8L, 8L), 'fortran_order': False, 'descr': \"<f4\"}"
    data = headed(text, np.arange(64, dtype="<f4").tobytes(), version)
    assert read_depth(save("map.npy", data)).source.levels == 64


def test_column_major_order_and_single_channels(save: Save) -> None:
    numbers = smooth(20, 30).astype(np.float32)
    for array in (
        np.asfortranarray(numbers),
        numbers[..., None],
        numbers[None],
        np.asfortranarray(numbers[..., None]),
    ):
        depth = read_depth(save("map.npy", npy(array)))
        assert np.array_equal(depth.values, numbers)
        assert (depth.source.size.width, depth.source.size.height) == (30, 20)


@pytest.mark.parametrize("shape", [(2, 3, 9, 9), (), (81,), (0, 5), (1, 4096), (7, 9), (0, 9, 9)])
def test_shapes_that_are_no_map(save: Save, shape: tuple[int, ...]) -> None:
    assert refused(save, npy(np.zeros(shape, np.float32))).code is ErrorCode.DEPTH_BAD_SHAPE


CUT, LARGE = {ErrorCode.DEPTH_TRUNCATED}, {ErrorCode.DEPTH_TOO_LARGE}


@pytest.mark.parametrize(("data", "codes"), [
    (headed(of_shape("(1000000, 1000000)")), LARGE),
    (headed(of_shape("(20000, 20000)")), LARGE),
    (headed(of_shape(f"({2**62}, 4)")), LARGE),
    (headed(of_shape("(" + "9" * 3000 + ", 9)")), LARGE),
    (headed(of_shape("(5000, 5000)")), CUT),
    (headed(of_shape("(-1, 5)")), CUT),
    (headed(of_shape("(-9, -9)")), CUT),
    (npy(smooth(16, 16))[:-1], CUT),
    (npy(smooth(16, 16))[:60], CUT),
    (npy(smooth(16, 16))[:9], CUT),
    (npy(smooth(16, 16))[:7], CUT),
    (npy(smooth(16, 16))[:3], CUT),
    (headed(of_shape("(9, 9)") + " " * 20_000), CUT),
    (npy(smooth(16, 16)) + b"rubbish", {ErrorCode.DEPTH_UNREADABLE}),
    (headed("{'descr': '<f4', 'fortran_order': False}"), {ErrorCode.DEPTH_UNREADABLE}),
    (headed("{'descr': '<f4', 'shape': (9, 9)}"), {ErrorCode.DEPTH_UNREADABLE}),
    (headed(of_shape("(9, 9)"), version=9), {ErrorCode.DEPTH_UNREADABLE}),
    (headed(of_shape("(__import__('os'), 9)")), {ErrorCode.DEPTH_UNREADABLE}),
    (headed(of_shape("(9, 9)", "<f16")), {ErrorCode.DEPTH_BAD_DTYPE}),
])  # fmt: skip
def test_headers_that_lie_cost_nothing(save: Save, data: bytes, codes: set[ErrorCode]) -> None:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert refused(save, data).code in codes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB
    assert time.process_time() - started < 10


class Payload:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_bare_pickle_never_runs(save: Save, tmp_path: Path, protocol: int) -> None:
    for content in (Payload(tmp_path / "canary"), [1, 2], {"depth": 1}):
        data = pickle.dumps(content, protocol)
        if protocol == 1 and not isinstance(content, Payload):
            continue  # these start like any binary file; they are refused as an unknown format
        assert refused(save, data).code is ErrorCode.PICKLE_REFUSED
    assert not (tmp_path / "canary").exists()


def test_an_array_of_objects_never_runs(save: Save, tmp_path: Path) -> None:
    objects = np.empty((9, 9), dtype=object)
    objects[0, 0] = Payload(tmp_path / "canary")
    error = refused(save, npy(objects))
    assert error.code is ErrorCode.DEPTH_BAD_DTYPE
    assert error.exit_status == 3
    assert "an array of Python objects" in str(error)
    assert not (tmp_path / "canary").exists()
