"""NPZ archives: which array is the depth, and archives that mean harm."""

from __future__ import annotations

import os
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from decoding import refusal, samples

from depthpaint.core.errors import ErrorCode
from made_depth import npy, smooth

MAP = smooth(12, 20).astype(np.float32)


def npz(**arrays: Any) -> bytes:
    stream = BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_the_only_array_is_taken() -> None:
    for data in (npz(arr_0=MAP), zipped({"arr_0.npy": npy(MAP)}, zipfile.ZIP_STORED)):
        read = samples(data)
        assert np.array_equal(read.values, MAP)
        assert (read.part, read.notes, read.quantity, read.bits) == ("arr_0", (), None, 32)


def test_what_is_no_map_is_passed_over() -> None:
    data = npz(
        depth=MAP, K=np.eye(3), scale=np.float32(2), names=np.array(["a"]), points=np.zeros((99, 3)),
        mask=MAP > 0.5, picture=np.zeros((12, 20, 3), np.uint8), meta=np.array({"a": 1}, dtype=object),
    )  # fmt: skip
    read = samples(data)
    assert np.array_equal(read.values, MAP)
    assert read.part == "depth"
    assert any("'depth'" in note for note in read.notes)
    assert samples(npz(mask=MAP > 0.5)).values.dtype == np.bool_  # a mask alone is a map of two values


def test_several_maps_need_a_name() -> None:
    data = npz(depth=MAP, confidence=MAP * 2)
    error = refusal(data)
    assert error.code is ErrorCode.DEPTH_BAD_SHAPE
    assert "depth, confidence" in str(error)
    assert "--part" in error.remedy
    assert np.array_equal(samples(data, "confidence").values, MAP * 2)
    assert np.array_equal(samples(data, "confidence.npy").values, MAP * 2)
    error = refusal(data, "Depth")
    assert "depth, confidence" in error.remedy


@pytest.mark.parametrize(
    ("key", "quantity"),
    [("disp", "disparity"), ("left_Disparity", "disparity"), ("depth", None), ("z", None)],
)
def test_what_a_key_says_of_the_numbers(key: str, quantity: str | None) -> None:
    assert samples(npz(**{key: MAP})).quantity == quantity


def test_a_part_that_is_no_map() -> None:
    data = npz(depth=MAP, K=np.eye(3))
    assert refusal(data, "K").code is ErrorCode.DEPTH_BAD_SHAPE
    assert refusal(npz(K=np.eye(3))).code is ErrorCode.DEPTH_BAD_SHAPE
    assert refusal(npz(c=np.zeros((12, 20), np.complex64))).code is ErrorCode.DEPTH_BAD_DTYPE
    assert refusal(zipped({".npy.txt": b""})).code is ErrorCode.DEPTH_BAD_SHAPE


class Payload:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


def test_objects_and_pickles_never_run(tmp_path: Path) -> None:
    objects = np.empty((9, 9), dtype=object)
    objects[0, 0] = Payload(tmp_path / "canary")
    both = npz(depth=MAP, meta=objects)
    for data, part in ((npz(meta=objects), None), (both, "meta")):
        assert refusal(data, part).code is ErrorCode.DEPTH_BAD_DTYPE
    assert np.array_equal(samples(both).values, MAP)
    assert refusal(zipped({"depth.npy": npy(MAP), "meta.pkl": b""})).code is ErrorCode.PICKLE_REFUSED
    assert refusal(zipped({"archive/data.pkl": b""})).code is ErrorCode.PICKLE_REFUSED
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("path", ["a/depth.npy", "/depth.npy", "..\\depth.npy", "../../depth.npy", "a/"])
def test_paths_are_refused(path: str) -> None:
    assert refusal(zipped({path: npy(MAP), "x.npy": b""})).code is ErrorCode.DEPTH_UNREADABLE


def test_two_arrays_of_one_name() -> None:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("depth.npy", npy(MAP))
        archive.writestr("depth.npy", npy(MAP))
    assert refusal(stream.getvalue()).code is ErrorCode.DEPTH_UNREADABLE


def test_too_many_members() -> None:
    data = zipped({f"{k}.npy": b"" for k in range(1_001)}, zipfile.ZIP_STORED)
    assert refusal(data).code is ErrorCode.DEPTH_TOO_LARGE
    assert refusal(zipped({f"{k}.npy": b"" for k in range(1_000)})).code is ErrorCode.DEPTH_TRUNCATED


def test_an_encrypted_archive() -> None:
    data = bytearray(npz(depth=MAP))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in str(refusal(bytes(data)))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing(method: int) -> None:
    assert refusal(zipped({"depth.npy": npy(MAP)}, method)).code is ErrorCode.DEPTH_UNREADABLE


def bomb(side: int, announced: int | None = None) -> bytes:
    """A gigabyte of zeros in a megabyte."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({side}, {side})}}".encode()
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("depth.npy", "w") as file:
            file.write(b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header)
            for _ in range(1 << 6):
                file.write(bytes(1 << 24))
    data = stream.getvalue()
    if announced is not None:
        start = data.index(b"PK\x01\x02")
        data = data[: start + 24] + struct.pack("<I", announced + 10 + len(header)) + data[start + 28 :]
    return data


@pytest.mark.full
def test_zip_bombs_cost_nothing() -> None:
    import resource

    honest, small = bomb(11_585), bomb(20, announced=20 * 20 * 8)
    assert max(len(honest), len(small)) < 6 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal(honest).code is ErrorCode.DEPTH_TOO_LARGE
    assert refusal(small).code is ErrorCode.DEPTH_UNREADABLE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


WHOLE = npz(depth=smooth(40, 40))


@pytest.mark.parametrize("cut", np.linspace(60, len(WHOLE) - 1, 32).astype(int).tolist())
def test_a_cut_archive(cut: int) -> None:
    assert refusal(WHOLE[:cut]).code in (ErrorCode.DEPTH_TRUNCATED, ErrorCode.DEPTH_UNREADABLE)


@pytest.mark.parametrize("position", range(200, len(WHOLE) - 200, len(WHOLE) // 9))
def test_a_flipped_byte_is_noticed(position: int) -> None:
    spoiled = bytearray(WHOLE)
    spoiled[position] ^= 0x10
    assert refusal(bytes(spoiled)).code is ErrorCode.DEPTH_UNREADABLE
