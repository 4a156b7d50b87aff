"""TIFFs of every kind, held against a writer of our own and against libtiff; and directories that lie."""

from __future__ import annotations

import resource
import struct
from io import BytesIO
from typing import Any

import made_tiff
import numpy as np
import pytest
from decoding import refusal, samples
from made_tiff import tiff
from numpy.typing import NDArray
from PIL import Image, ImageOps

from depthpaint.core.errors import ErrorCode
from made_depth import smooth

TYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]


def numbers(dtype: str, height: int = 21, width: int = 37, channels: int = 1) -> NDArray[Any]:
    """Numbers over the whole range of a type, with long runs among them."""
    fine = np.random.default_rng(4).normal(0, 1, (height, width, channels)) * 1e3
    fine[3:9] = 7
    if np.dtype(dtype).kind != "f":
        limits = np.iinfo(dtype)
        fine = np.floor((smooth(height, width)[..., None] * 0.9 + fine * 0) * (limits.max // 2))
    plane = fine.astype(dtype)
    return plane[..., 0] if channels == 1 else plane


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_in_both_byte_orders_is_exact(dtype: str, order: str) -> None:
    stored = numbers(dtype)
    ways: tuple[dict[str, Any], ...] = ({}, {"method": 8, "predictor": 2}, {"big": True}, {"tile": (16, 32)})
    for options in ways:
        read = samples(tiff(stored, order=order, **options))
        assert read.values.dtype == stored.dtype
        assert np.array_equal(read.values, stored)
        assert (read.bits, read.notes, read.opaque, read.empty) == (stored.dtype.itemsize * 8, (), None, None)


@pytest.mark.full
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("tile", [None, (16, 16), (32, 48)])
@pytest.mark.parametrize("method", [1, 5, 8, 32_946, 32_773])
def test_every_way_of_packing(method: int, tile: tuple[int, int] | None, planar: bool) -> None:
    for dtype in ("u1", "u2", "f4"):
        for channels in (1, 3):
            stored = numbers(dtype, channels=channels)
            if channels == 3:
                stored[5, 5] = (1, 2, 3)
            for predictor in (1, 2, 3) if method in (5, 8) else (1,):
                if (predictor == 3 and dtype != "f4") or (method == 5 and dtype == "u1"):
                    continue
                read = samples(tiff(stored, method=method, predictor=predictor, tile=tile, planar=planar))
                assert np.array_equal(read.values, stored), (dtype, channels, predictor)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["L", "I;16", "I;16B", "I", "F", "RGB", "RGBA", "LA", "P"])
def test_what_libtiff_wrote(mode: str, compression: str) -> None:
    ramp = numbers("f4", 40, 61) if mode == "F" else numbers("u2", 40, 61)
    if mode in ("F", "I;16", "I;16B"):
        picture = Image.fromarray(ramp)
    elif mode == "I":
        picture = Image.fromarray(ramp.astype(np.int32) * 65_000)
    else:
        colours = np.random.default_rng(5).integers(0, 256, (40, 61, 4), dtype=np.uint8)
        picture = Image.fromarray(colours).convert(mode)
    if mode == "I;16B":
        picture = Image.frombytes("I;16B", picture.size, ramp.astype(">u2").tobytes())
    for predictor in (1, 2, 3):
        packs_differences = compression in ("tiff_lzw", "tiff_adobe_deflate")
        if (predictor > 1 and not packs_differences) or (predictor == 3 and mode != "F"):
            continue
        stream = BytesIO()
        picture.save(
            stream, "TIFF", compression=compression, tiffinfo={317: predictor} if predictor > 1 else {}
        )
        read = samples(stream.getvalue())
        expected = np.asarray(picture.convert("RGB") if mode == "P" else picture)
        if mode in ("RGBA", "LA"):
            assert read.opaque is not None
            assert np.array_equal(read.opaque, expected[..., -1] >= 128)
            expected = expected[..., :-1]
        assert np.array_equal(read.values, expected.reshape(read.values.shape)), predictor


def test_several_strips_of_real_lzw() -> None:
    stored = np.asarray(numbers("u2", 300, 400))
    stream = BytesIO()
    Image.fromarray(stored).save(stream, "TIFF", compression="tiff_lzw", tiffinfo={278: 7, 317: 2})
    assert np.array_equal(samples(stream.getvalue()).values, stored)


def test_equal_channels_are_gray() -> None:
    gray = numbers("u2")
    assert np.array_equal(samples(tiff(np.stack([gray] * 3, axis=-1))).values, gray)
    three_without_colours = tiff(np.stack([gray] * 3, axis=-1), tags={262: (3, [1]), 338: (3, [0, 0])})
    assert np.array_equal(samples(three_without_colours).values, gray)


def test_opacity_is_apart_from_the_numbers() -> None:
    gray = numbers("u2")
    alpha = np.where(gray > 900, np.uint16(65_535), np.uint16(32_767))
    read = samples(tiff(np.stack([gray, alpha], axis=-1)))
    assert np.array_equal(read.values, gray)
    assert read.opaque is not None
    assert np.array_equal(read.opaque, gray > 900)


def test_a_white_zero_is_turned_round() -> None:
    for dtype in ("u1", "u2"):
        stored = numbers(dtype)
        read = samples(tiff(stored, tags={262: (3, [0]), 42_113: (2, b"7\0")}))
        top = np.iinfo(dtype).max
        assert np.array_equal(read.values, top - stored)
        assert read.empty == top - 7
    read = samples(tiff(numbers("f4"), tags={262: (3, [0])}))
    assert np.array_equal(read.values, numbers("f4"))
    assert any("white" in note for note in read.notes)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_undone_as_pillow_does(orientation: int) -> None:
    stored = numbers("u1")
    data = tiff(stored, tags={274: (3, [orientation])})
    with Image.open(BytesIO(data)) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    read = samples(data)
    assert np.array_equal(read.values, expected)
    assert len(read.notes) == (orientation != 1)


@pytest.mark.parametrize(
    ("dtype", "text", "empty"),
    [
        ("f4", b"-9999\0", -9999.0),
        ("f4", b"-3.4028234663852886e+38\0", float(np.finfo(np.float32).min)),
        ("f4", b"0.1\0", float(np.float32(0.1))),
        ("f8", b" 0.1 \0", 0.1),
        ("f4", b"nan\0", None),
        ("f4", b"1e99\0", np.inf),
        ("u2", b"65535\0", 65_535.0),
        ("u2", b"-9999\0", None),
        ("u2", b"0.5\0", None),
        ("u2", b"none\0", None),
        ("u2", b"", None),
    ],
)
def test_what_gdal_says_was_not_measured(dtype: str, text: bytes, empty: float | None) -> None:
    assert samples(tiff(numbers(dtype), tags={42_113: (2, text)})).empty == empty


def test_several_pages_give_the_first() -> None:
    read = samples(tiff(numbers("u2"), pages=3))
    assert np.array_equal(read.values, numbers("u2"))
    assert any("3 pages" in note for note in read.notes)
    assert refusal(tiff(numbers("u1", 8, 8), pages=1_001)).code is ErrorCode.DEPTH_TOO_LARGE
    # A preview is no page, and is never what is read.
    assert refusal(tiff(numbers("u1"), tags={254: (4, [1])})).code is ErrorCode.DEPTH_UNREADABLE


@pytest.mark.parametrize("order", "<>")
def test_tiles_listed_as_strips(order: str) -> None:
    stored = numbers("u2")
    data = bytearray(tiff(stored, order=order, tile=(16, 16)))
    (count,) = struct.unpack_from(f"{order}H", data, 8)
    for place in range(10, 10 + 12 * count, 12):
        (tag,) = struct.unpack_from(f"{order}H", data, place)
        struct.pack_into(f"{order}H", data, place, {324: 273, 325: 279}.get(tag, tag))
    assert np.array_equal(samples(bytes(data)).values, stored)


def with_page_below(outer: NDArray[Any], inner: NDArray[Any], kinds: tuple[int, int]) -> bytes:
    """A TIFF whose only page in the chain names another one below it, as DNG files do."""
    page = tiff(inner, rows=inner.shape[0], tags={254: (4, [kinds[1]])})
    length = len(tiff(outer, tags={254: (4, [kinds[0]]), 330: (4, [0])}))
    data = tiff(outer, tags={254: (4, [kinds[0]]), 330: (4, [length + 8])})
    below = bytearray(page)
    for place in range(10, 10 + 12 * below[8], 12):
        tag, kind, count = struct.unpack_from("<HHI", below, place)
        if tag == 273 or count * {2: 1, 3: 2, 4: 4}[kind] > 4:
            (value,) = struct.unpack_from("<I", below, place + 8)
            struct.pack_into("<I", below, place + 8, value + length)
    return data + bytes(below)


REDUCED, WHOLE_SIZE, DEPTH = 1, 0, 8


def test_pages_below_others_are_read_and_named() -> None:
    preview, picture = numbers("u1", 9, 10), numbers("u2")
    read = samples(with_page_below(preview, picture, (REDUCED, WHOLE_SIZE)))
    assert np.array_equal(read.values, picture)
    assert any("SubIFDs" in note for note in read.notes)
    both = with_page_below(preview, picture, (WHOLE_SIZE, WHOLE_SIZE))
    read = samples(both)
    assert np.array_equal(read.values, preview)
    assert any("2 pages" in note for note in read.notes) and any("SubIFDs" in note for note in read.notes)
    assert np.array_equal(samples(both, frame=1).values, picture)


def test_the_depth_map_of_a_dng_is_used_and_not_its_photo() -> None:
    read = samples(with_page_below(numbers("u1", 32, 40, 3), numbers("u2"), (WHOLE_SIZE, DEPTH)))
    assert np.array_equal(read.values, numbers("u2"))
    assert read.hidden
    assert any("depth map inside" in note for note in read.notes)


def test_a_raw_photo_is_named() -> None:
    data = with_page_below(numbers("u1", 9, 10), numbers("u2"), (REDUCED, WHOLE_SIZE))
    raw = tiff(numbers("u2"), tags={262: (3, [32_803])})
    assert "raw photo" in str(refusal(raw)) and "--from-photo" in refusal(raw).remedy
    damaged = data[:-600]  # the page below is not all there
    assert refusal(damaged).code is ErrorCode.DEPTH_TRUNCATED
    for places in ([2**31], [8], [8] * 999):  # beyond the end, and the page itself
        assert samples(tiff(numbers("u2"), tags={330: (4, places)})).values.shape == (21, 37)
    assert refusal(tiff(numbers("u2"), tags={330: (4, [8] * 1001)})).code is ErrorCode.DEPTH_TOO_LARGE


def spoiled(**options: Any) -> bytes:
    return tiff(numbers("u2"), tags=options.pop("tags", None), **options)


@pytest.mark.parametrize(("tags", "code"), [
    ({256: (4, [0])}, ErrorCode.DEPTH_UNREADABLE),
    ({256: (4, [4])}, ErrorCode.DEPTH_BAD_SHAPE),
    ({256: (4, [40_000])}, ErrorCode.DEPTH_TOO_LARGE),
    ({256: (4, [20_000]), 257: (4, [20_000])}, ErrorCode.DEPTH_TOO_LARGE),
    ({256: (4, [5_000]), 257: (4, [5_000])}, ErrorCode.DEPTH_UNREADABLE),  # more pixels than strips
    ({256: (2, b"37")}, ErrorCode.DEPTH_UNREADABLE),
    ({258: (3, [12])}, ErrorCode.DEPTH_BAD_DTYPE),
    ({258: (3, [1])}, ErrorCode.DEPTH_BAD_DTYPE),
    ({258: (3, [24]), 339: (3, [3])}, ErrorCode.DEPTH_BAD_DTYPE),
    ({339: (3, [5])}, ErrorCode.DEPTH_BAD_DTYPE),
    ({339: (3, [6])}, ErrorCode.DEPTH_BAD_DTYPE),
    ({259: (3, [7])}, ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    ({259: (3, [50_000])}, ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    ({259: (3, [9_999])}, ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    ({259: (3, [8]), 317: (3, [9])}, ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    ({259: (3, [8]), 317: (3, [3])}, ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    ({266: (3, [2])}, ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    ({259: (3, [8])}, ErrorCode.DEPTH_UNREADABLE),
    ({259: (3, [5])}, ErrorCode.DEPTH_UNREADABLE),
    ({262: (3, [5])}, ErrorCode.DEPTH_BAD_SHAPE),
    ({262: (3, [2])}, ErrorCode.DEPTH_BAD_SHAPE),
    ({262: (3, [3])}, ErrorCode.DEPTH_UNREADABLE),  # a palette is missing
    ({277: (3, [5])}, ErrorCode.DEPTH_BAD_SHAPE),
    ({277: (3, [65_535])}, ErrorCode.DEPTH_BAD_SHAPE),
    ({273: (4, [8])}, ErrorCode.DEPTH_UNREADABLE),
    ({273: (4, [2**32 - 1] * 5)}, ErrorCode.DEPTH_TRUNCATED),
    ({273: (16, [2**64 - 1] * 5)}, ErrorCode.DEPTH_UNREADABLE),
    ({273: (16, [2**61] * 5), 279: (16, [2**61] * 5)}, ErrorCode.DEPTH_TRUNCATED),
    ({273: (4, [8] * 5), 279: (4, [1000] * 5)}, ErrorCode.DEPTH_UNREADABLE),  # all strips share their bytes
    ({279: (4, [1] * 5)}, ErrorCode.DEPTH_UNREADABLE),
    ({278: (4, [0])}, ErrorCode.DEPTH_UNREADABLE),
    ({322: (4, [15]), 323: (4, [16])}, ErrorCode.DEPTH_UNREADABLE),
    ({322: (4, [2**31]), 323: (4, [2**31])}, ErrorCode.DEPTH_UNREADABLE),
    ({322: (4, [16]), 323: (4, [16])}, ErrorCode.DEPTH_UNREADABLE),
])  # fmt: skip
def test_directories_that_lie_cost_nothing(tags: dict[int, Any], code: ErrorCode) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal(spoiled(tags=tags)).code is code
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_a_chain_that_bites_its_tail() -> None:
    looped = bytearray(spoiled())
    (count,) = struct.unpack_from("<H", looped, 8)
    struct.pack_into("<I", looped, 10 + 12 * count, 8)
    assert "loop" in str(refusal(bytes(looped)))


def test_ten_thousand_directories() -> None:
    empty = b"".join(struct.pack("<HI", 0, 8 + 6 * (k + 1)) for k in range(10_000))
    assert refusal(b"II*\0\x08\0\0\0" + empty).code is ErrorCode.DEPTH_TOO_LARGE
    crowded = b"II*\0\x08\0\0\0" + struct.pack("<H", 60_000) + bytes(12 * 60_000 + 4)
    assert refusal(crowded).code is ErrorCode.DEPTH_TOO_LARGE


def test_tiles_far_larger_than_the_picture() -> None:
    sides = {322: (4, [16_384]), 323: (4, [16_384]), 324: (4, [8]), 325: (4, [8])}
    assert "do not match" in str(refusal(spoiled(tags=sides)))


def test_packbits_with_bytes_that_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        made_tiff.PACK, 32_773, lambda content: b"\x80" + made_tiff.packbits(content) + b"\x80"
    )
    stored = numbers("u2")
    assert np.array_equal(samples(tiff(stored, method=32_773)).values, stored)


@pytest.mark.full
def test_a_strip_that_unpacks_to_a_gigabyte() -> None:
    import zlib

    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 24)) for _ in range(64)) + packer.flush()
    data = tiff(numbers("u1", 8, 8), rows=8, tags={259: (3, [8])})
    data += bomb
    data = tiff(numbers("u1", 8, 8), rows=8, tags={
        259: (3, [8]), 273: (4, [len(data) - len(bomb)]), 279: (4, [len(bomb)]),
    }) + bomb  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert not samples(data).values.any()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


WHOLE = tiff(numbers("u2"), method=8, pages=1)


@pytest.mark.parametrize("cut", np.linspace(2, len(WHOLE) - 1, 48).astype(int).tolist())
def test_a_cut_file_is_never_half_a_map(cut: int) -> None:
    assert refusal(WHOLE[:cut]).code is ErrorCode.DEPTH_TRUNCATED


@pytest.mark.parametrize("method", [5, 8, 32_773])
def test_packed_pixels_that_end_early(method: int, capfd: pytest.CaptureFixture[str]) -> None:
    stored = numbers("u2")
    data = tiff(stored, method=method, rows=21)
    at = data.index(struct.pack("<HHI", 279, 4, 1)) + 8
    (length,) = struct.unpack_from("<I", data, at)
    cut = data[:at] + struct.pack("<I", length - 40) + data[at + 4 :]
    assert refusal(cut).code is ErrorCode.DEPTH_UNREADABLE
    assert capfd.readouterr() == ("", "")  # libtiff would tell the terminal
