"""Files of several planes: which is taken, what is a sequence, and how one of its frames is selected."""

from __future__ import annotations

import resource
import zipfile
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from decoding import refusal, samples
from made_tiff import tiff
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth
from made_depth import Save, npy, smooth
from made_png import png

MAP = smooth(24, 36).astype(np.float32)
FRAMES = np.stack([MAP + k for k in range(5)])
Array = NDArray[Any]


def npz(array: Array) -> bytes:
    stream = BytesIO()
    np.savez_compressed(stream, depth=array)
    return stream.getvalue()


WRITERS = {"npy": npy, "npz": npz}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize(
    "shape", [(24, 36), (1, 24, 36), (24, 36, 1), (1, 1, 24, 36), (1, 24, 36, 1), (1, 24, 1, 36)]
)
def test_axes_of_one_are_left_out(write: Any, shape: tuple[int, ...]) -> None:
    for array in (MAP.reshape(shape), np.asfortranarray(MAP.reshape(shape))):
        read = samples(write(array))
        assert np.array_equal(read.values, MAP)
        assert read.notes == ()
        assert np.array_equal(samples(write(array), frame=0).values, MAP)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("axis", [0, 2, -3])
@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_equal_planes_are_one(write: Any, axis: int, count: int) -> None:
    holed = MAP.copy()
    holed[3, 5] = np.nan
    stack = np.stack([holed] * count, axis=axis)
    if axis == -3:
        stack = np.asfortranarray(stack)
    read = samples(write(stack))
    assert np.array_equal(read.values, holed, equal_nan=True)
    assert any("equal planes" in note for note in read.notes)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize(
    "stack", [FRAMES, FRAMES[:, None], np.asfortranarray(FRAMES), FRAMES.astype(np.uint8)]
)
def test_a_sequence_is_named_and_its_frames_are_selected(write: Any, stack: Array) -> None:
    error = refusal(write(stack))
    assert error.code is ErrorCode.DEPTH_BAD_SHAPE
    assert "a sequence of 5 frames" in str(error)
    assert "--frame-index 0 to 4" in error.remedy
    for k in range(5):
        read = samples(write(stack), frame=k)
        assert np.array_equal(read.values, stack.reshape(5, 24, 36)[k])
        assert any(f"frame {k} of 5" in note for note in read.notes)
    error = refusal(write(stack), frame=5)
    assert error.code is ErrorCode.DEPTH_BAD_SHAPE
    assert "5 frames" in str(error) and "0 to 4" in error.remedy


@pytest.mark.parametrize("count", [2, 3, 4])
def test_planes_along_the_last_axis_are_selected(count: int) -> None:
    points = np.stack([MAP * (k + 1) for k in range(count)], axis=-1)
    error = refusal(npy(points))
    assert f"{count} different planes" in str(error)
    assert f"--frame-index 0 to {count - 1}" in error.remedy
    assert np.array_equal(samples(npy(points), frame=count - 1).values, MAP * count)


def test_three_different_planes_of_bytes_are_colours() -> None:
    colours = np.random.default_rng(1).integers(0, 256, (24, 36, 3), np.uint8)
    assert np.array_equal(samples(npy(colours)).values, colours)
    assert np.array_equal(samples(npy(colours), frame=1).values, colours[..., 1])


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((2, 3, 9, 9), "array[0, 0]"),
        ((81,), "(height, width)"),
        ((0, 9, 9), "not empty"),
        ((), "(height, width)"),
    ],
)
def test_the_advice_fits_the_shape(shape: tuple[int, ...], advice: str) -> None:
    error = refusal(npy(np.zeros(shape, np.float32)))
    assert error.code is ErrorCode.DEPTH_BAD_SHAPE
    assert advice in error.remedy


def test_the_only_map_is_preferred_to_sequences() -> None:
    stream = BytesIO()
    np.savez(stream, video=FRAMES, depth=MAP)
    assert samples(stream.getvalue()).part == "depth"
    assert np.array_equal(samples(stream.getvalue(), "video", 2).values, FRAMES[2])


def test_a_packed_sequence_takes_the_memory_of_a_frame() -> None:
    shape = (200, 512, 512)
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        header = BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
        with archive.open("depth.npy", "w") as file:
            file.write(header.getvalue())
            for k in range(shape[0]):
                file.write(np.full(shape[1:], k, "<f4").tobytes())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (samples(stream.getvalue(), frame=199).values == 199).all()
    assert refusal(stream.getvalue()).code is ErrorCode.DEPTH_BAD_SHAPE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB, of 200,000 unpacked


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_bomb_of_frames_is_refused(order: str) -> None:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        text = f"{{'descr': '<f8', 'fortran_order': {order == 'F'}, 'shape': (9, 4096, 4096), }}\n"
        content = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode()
        archive.writestr("depth.npy", content + bytes(20_000))
    data = stream.getvalue()
    length = len(content) + 9 * 4096 * 4096 * 8
    for at in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
        data = data[:at] + length.to_bytes(4, "little") + data[at + 4 :]
    code = ErrorCode.DEPTH_TOO_LARGE if order == "F" else ErrorCode.DEPTH_TRUNCATED
    assert refusal(data).code is code


def test_pages_and_slices_of_a_tiff() -> None:
    stored = np.arange(48 * 36, dtype=np.uint16).reshape(48, 36)
    data = tiff(stored, rows=6, tags={257: (4, [24]), 32_997: (4, [2])})
    read = samples(data)
    assert np.array_equal(read.values, stored[:24])
    assert any("2 slices" in note and "--frame-index" in note for note in read.notes)
    assert np.array_equal(samples(data, frame=1).values, stored[24:])
    assert "2 slices" in str(refusal(data, frame=2))
    tiled = tiff(stored, tile=(16, 16), tags={257: (4, [24]), 32_997: (4, [2])})
    assert (
        refusal(tiled, frame=1).code is ErrorCode.DEPTH_UNREADABLE
    )  # six tiles a slice, and nine altogether
    for tags in ({32_998: (4, [2])}, {277: (3, [3]), 284: (3, [2])}):
        blocks = tiff(np.dstack([stored] * 3), tags={32_997: (4, [2]), **tags})
        assert refusal(blocks).code in (ErrorCode.DEPTH_UNSUPPORTED_FORMAT, ErrorCode.DEPTH_UNREADABLE)
    assert refusal(tiff(stored, tags={32_997: (4, [2**31])})).code is ErrorCode.DEPTH_TOO_LARGE


def test_pages_of_a_tiff_are_selected() -> None:
    one, other = tiff(FRAMES[0]), tiff(FRAMES[1])
    joined = one + other  # with the second directory moved behind the first file
    count = int.from_bytes(one[8:10], "little")
    joined = bytearray(joined)
    joined[10 + 12 * count : 14 + 12 * count] = (len(one) + 8).to_bytes(4, "little")
    for k in range(count):
        at = len(one) + 10 + 12 * k
        tag, kind, many = (
            int.from_bytes(joined[at + a : at + b], "little") for a, b in ((0, 2), (2, 4), (4, 8))
        )
        value = int.from_bytes(joined[at + 8 : at + 12], "little")
        if many * {1: 1, 2: 1, 3: 2, 4: 4}[kind] > 4:
            joined[at + 8 : at + 12] = (value + len(one)).to_bytes(4, "little")
            if tag == 273:
                for place in range(value + len(one), value + len(one) + 4 * many, 4):
                    start = int.from_bytes(joined[place : place + 4], "little") + len(one)
                    joined[place : place + 4] = start.to_bytes(4, "little")
    data = bytes(joined)
    assert np.array_equal(samples(data).values, FRAMES[0])
    read = samples(data, frame=1)
    assert np.array_equal(read.values, FRAMES[1])
    assert any("number 1" in note for note in read.notes)
    error = refusal(data, frame=2)
    assert "2 pages" in str(error) and "0 to 1" in error.remedy


def test_formats_of_one_picture_have_frame_0_alone() -> None:
    data = png(np.arange(256).reshape(16, 16))
    assert samples(data, frame=0).values.shape == (16, 16)
    error = refusal(data, frame=1)
    assert error.code is ErrorCode.DEPTH_BAD_SHAPE and "--frame-index" in error.remedy


def test_the_setting_selects_a_frame(save: Save) -> None:
    path = save("video.npy", npy(np.stack([MAP, MAP[::-1]])))
    with pytest.raises(DepthError, match="a sequence of 2 frames"):
        read_depth(path)
    depth = read_depth(path, DepthReading(frame_index=1, near="white"))
    assert np.array_equal(depth.values, MAP[::-1])
    assert depth.source.reading.frame_index == 1


def test_a_map_is_turned_upside_down_on_request(save: Save) -> None:
    path = save("map.npy", npy(MAP))
    depth = read_depth(path, DepthReading(flip=True, near="white"))
    assert np.array_equal(depth.values, MAP[::-1])
    assert any("upside down" in note for note in depth.source.notes)
    holed = np.dstack([np.rint(MAP * 255), np.where(MAP > 0.5, 255, 0)]).astype(np.uint8)
    read = read_depth(save("a.png", png(holed, 8, 4)), DepthReading(flip=True, near="white", alpha_mask=True))
    assert np.array_equal(read.valid, MAP[::-1] > 0.5)


SKIES = [65_504.0, 1e10]


@pytest.mark.parametrize("sky", SKIES)
def test_a_pfm_that_is_upside_down_is_noticed(save: Save, sky: float) -> None:
    depth = (10 - 9 * smooth(40, 60)).astype("<f4")
    depth[:12, 20:] = sky
    header = b"Pf\n60 40\n-1\n"
    upright = save("upright.pfm", header + depth[::-1].tobytes())
    turned = save("turned.pfm", header + depth.tobytes())
    expected = read_depth(upright, DepthReading(near="black")).values
    with pytest.raises(DepthError) as caught:
        read_depth(turned, DepthReading(near="black"))
    assert caught.value.code is ErrorCode.DEPTH_AMBIGUOUS
    assert "--flip" in caught.value.remedy and "--no-flip" in caught.value.remedy
    assert np.array_equal(read_depth(turned, DepthReading(near="black", flip=True)).values, expected)
    kept = read_depth(turned, DepthReading(near="black", flip=False))
    assert np.array_equal(kept.values, expected[::-1])


def test_an_upright_pfm_is_no_question(save: Save) -> None:
    header = b"Pf\n60 40\n-1\n"
    maps = [10 - 9 * smooth(40, 60), smooth(40, 60), np.where(smooth(40, 60) > 0.9, np.inf, smooth(40, 60))]
    scattered = np.where(np.random.default_rng(0).random((40, 60)) < 0.3, np.inf, smooth(40, 60))
    for depth in (*maps, scattered):
        read_depth(save("map.pfm", header + depth.astype("<f4")[::-1].tobytes()), DepthReading(near="white"))
