"""PGM in bytes and in text, COLMAP's depth maps, and files of numbers that can only be named."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from decoding import refusal, samples
from PIL import Image

from depthpaint.core.errors import ErrorCode
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth
from made_depth import Save, smooth

WORDS = np.rint(smooth(24, 36) * 6_000 + 500).astype(np.uint16)
BYTES = np.rint(smooth(24, 36) * 255).astype(np.uint8)


def in_text(values: np.ndarray, gap: bytes = b" ") -> bytes:
    return gap.join(b"%d" % number for number in values.ravel())


@pytest.mark.parametrize(
    "header", [b"P5\n36 24\n65535\n", b"P5 36 24 6500 ", b"P5\n# a camera's\n36\n24 #\n9999\n"]
)
def test_sixteen_bits_have_the_high_byte_first(header: bytes) -> None:
    read = samples(header + WORDS.astype(">u2").tobytes())
    assert np.array_equal(read.values, WORDS)
    assert (read.bits, read.notes, read.quantity) == (16, (), None)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_eight_bits(end: bytes) -> None:
    read = samples(b"P5\n36 24\n255\n" + BYTES.tobytes() + end)
    assert np.array_equal(read.values, BYTES)
    assert read.bits == 8


def test_it_is_what_pillow_reads() -> None:
    stream = BytesIO()
    Image.fromarray(WORDS).save(stream, "PPM")
    assert stream.getvalue().startswith(b"P5")
    assert np.array_equal(samples(stream.getvalue()).values, WORDS)


@pytest.mark.parametrize("gap", [b" ", b"\n", b"\r\n", b" \t "])
def test_numbers_in_text(gap: bytes) -> None:
    read = samples(b"P2\n36 24\n65535\n" + in_text(WORDS, gap) + b"\n")
    assert np.array_equal(read.values, WORDS)
    assert read.bits == 16
    commented = b"P2\n36 24\n255\n# rows follow\n" + in_text(BYTES) + b" # the end"
    assert np.array_equal(samples(commented).values, BYTES)


def test_numbers_above_the_greatest_are_kept_with_a_note() -> None:
    read = samples(b"P5\n36 24\n5000\n" + WORDS.astype(">u2").tobytes())
    assert np.array_equal(read.values, WORDS)
    assert any("5000" in note for note in read.notes)


PGM = b"P5\n36 24\n65535\n" + WORDS.astype(">u2").tobytes()


@pytest.mark.parametrize(("data", "code"), [
    (PGM[:-1], ErrorCode.DEPTH_TRUNCATED),
    (PGM[:9], ErrorCode.DEPTH_TRUNCATED),
    (PGM + b"more", ErrorCode.DEPTH_UNREADABLE),
    (b"P5\n36 24\n0\n" + PGM, ErrorCode.DEPTH_UNREADABLE),
    (b"P5\n36 24\n70000\n" + PGM, ErrorCode.DEPTH_UNREADABLE),
    (b"P5\n-36 24\n255\n" + PGM, ErrorCode.DEPTH_UNREADABLE),
    (b"P5\n4 4\n255\n" + bytes(16), ErrorCode.DEPTH_BAD_SHAPE),
    (b"P5\n99999 99999\n255\n", ErrorCode.DEPTH_TOO_LARGE),
    (b"P5\n" + b"9" * 30 + b" 9\n255\n", ErrorCode.DEPTH_TOO_LARGE),
    (b"P2\n36 24\n255\n" + in_text(BYTES)[:-9], ErrorCode.DEPTH_TRUNCATED),
    (b"P2\n36 24\n255\n" + in_text(BYTES) + b" 9", ErrorCode.DEPTH_UNREADABLE),
    (b"P2\n36 24\n255\n" + in_text(BYTES) + b" x", ErrorCode.DEPTH_UNREADABLE),
    (b"P2\n36 24\n255\n70000 " + in_text(BYTES)[2:], ErrorCode.DEPTH_UNREADABLE),
])  # fmt: skip
def test_pgms_that_lie(data: bytes, code: ErrorCode) -> None:
    assert refusal(data).code is code


def test_colour_and_bitmaps_are_refused() -> None:
    for kind in (b"P1", b"P3", b"P4", b"P6", b"P7"):
        assert refusal(kind + b" 36 24 255\n" + bytes(999)).code is ErrorCode.DEPTH_UNSUPPORTED_FORMAT


DISTANCES = (9 - 8 * smooth(24, 36)).astype("<f4")


def test_colmaps_depth_map(save: Save) -> None:
    # COLMAP stores (width, height, channels) by columns.
    stored = DISTANCES.T[..., None].ravel(order="F")
    holed = DISTANCES.copy()
    holed[5:9, 7:20] = 0
    read = samples(b"36&24&1&" + stored.tobytes())
    assert np.array_equal(read.values, DISTANCES)
    assert (read.quantity, read.empty, read.bits) == ("distance", 0.0, 32)
    path = save("map.jpg.geometric.bin", b"36&24&1&" + holed.tobytes())
    depth = read_depth(path)
    assert (depth.source.near, depth.source.kind, depth.source.notes) == ("black", "distance", ())
    assert np.array_equal(depth.valid, holed > 0)


def test_colmaps_normals_are_named() -> None:
    error = refusal(b"36&24&3&" + bytes(36 * 24 * 12))
    assert "normals" in str(error) and "depth_maps" in error.remedy
    assert refusal(b"36&24&1&" + bytes(36 * 24 * 4 - 1)).code is ErrorCode.DEPTH_TRUNCATED
    assert refusal(b"36&24&1&" + bytes(36 * 24 * 4 + 1)).code is ErrorCode.DEPTH_UNREADABLE


def test_record3ds_depth_is_named() -> None:
    for magic in (b"bvx1", b"bvx2", b"bvxn", b"bvx-"):
        error = refusal(magic + bytes(range(200)))
        assert error.code is ErrorCode.DEPTH_UNSUPPORTED_FORMAT
        assert "LZFSE" in str(error) and "Record3D" in str(error) and "numpy.save" in error.remedy


SCENE = 9 - 8 * smooth(192, 256)
ROOM = SCENE + np.random.default_rng(0).normal(0, 0.01, SCENE.shape)
DUMPS = {
    "f4": (ROOM.astype("<f4"), "'<f4').reshape(192, 256)"),
    "f4-upright": (ROOM.T.astype("<f4"), "'<f4').reshape(256, 192)"),
    "f4-holes": (np.where(ROOM > 8, np.nan, ROOM).astype("<f4"), "'<f4').reshape(192, 256)"),
    "f8": (ROOM.astype("<f8"), "'<f8').reshape(192, 256)"),
    "u2": (np.rint(ROOM * 1000).astype("<u2"), "'<u2').reshape(192, 256)"),
}


@pytest.mark.parametrize("kind", DUMPS)
def test_a_dump_without_a_header_is_named(kind: str) -> None:
    numbers, advice = DUMPS[kind]
    error = refusal(numbers.tobytes())
    assert error.code is ErrorCode.DEPTH_UNSUPPORTED_FORMAT
    assert "without a header" in str(error)
    assert advice in error.remedy


@pytest.mark.parametrize("data", [
    np.random.default_rng(1).bytes(192 * 256 * 4),
    np.rint(ROOM * 20).astype(np.uint8).tobytes(),  # a picture of bytes
    bytes(192 * 256 * 4),
    b"\x7fELF" + bytes(range(256)) * 16,
    np.random.default_rng(2).normal(5, 1, 192 * 256).astype("<f4").tobytes(),
], ids=["noise", "bytes", "zeros", "program", "floats without a neighbourhood"])  # fmt: skip
def test_other_unknown_files_are_not_called_depth(data: bytes) -> None:
    error = refusal(data)
    assert "an unknown format" in str(error) or "plain text" in str(error)


def test_a_pgm_is_read_like_any_map(save: Save) -> None:
    depth = read_depth(save("map.pgm", PGM), DepthReading(near="white"))
    assert depth.source.format == "pgm"
    assert depth.source.notes == ()
    assert depth.source.raw_range == (500, 6500)
