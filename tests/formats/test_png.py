"""Every kind of PNG, and every way in which one can be broken."""

from __future__ import annotations

import resource
import struct
import time
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.depth_map import DepthMap, DepthReading
from depthpaint.depth.read import read_depth as read_file
from made_depth import Save, bone, smooth
from made_png import SIGNATURE, chunk, header, png, ramp


def read_depth(path: Path, **said: Any) -> DepthMap:
    """As it is stored: near is white, a few levels are no fault."""
    return read_file(path, DepthReading.model_validate({"near": "white", **said}))


def code_of(save: Save, data: bytes, **options: Any) -> ErrorCode:
    with pytest.raises(DepthError) as refused:
        read_depth(save("map.png", data), **options)
    error = refused.value
    assert "map.png" in str(error)
    assert error.remedy
    assert "\n" not in str(error)
    return error.code


def stretched(samples: NDArray[Any]) -> NDArray[Any]:
    return (samples - samples.min()) / (samples.max() - samples.min())


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_gray_of_every_depth(save: Save, bits: int, interlaced: bool) -> None:
    samples = ramp(19, 23, 2**bits - 1)
    path = save("map.png", png(samples, bits, 0, interlaced=interlaced))
    depth = read_depth(path)
    assert np.array_equal(depth.values, stretched(samples).astype(np.float32))
    assert depth.source.container_bits == bits
    assert depth.source.levels == len(np.unique(samples))
    assert depth.valid.all()
    assert all("different depths" in note or "two levels" in note for note in depth.source.notes)


def test_sixteen_bits_stay_sixteen_bits(save: Save) -> None:
    samples = np.arange(65_536).reshape(256, 256)
    depth = read_depth(save("map.png", png(samples, 16)))
    assert np.all(np.diff(depth.values.ravel()) > 0)
    assert (depth.source.levels, depth.source.bits_used, depth.source.raw_range) == (
        65_536,
        16,
        (0.0, 65_535.0),
    )


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour_type", "channels"), [(4, 1), (2, 3), (6, 3)])
def test_sixteen_bits_with_alpha_or_channels(
    save: Save, colour_type: int, channels: int, interlaced: bool
) -> None:
    gray = np.arange(65_536).reshape(256, 256)
    planes = [gray] * channels + ([gray[::-1] | 0x8000] if colour_type in (4, 6) else [])
    data = png(np.stack(planes, axis=-1), 16, colour_type, interlaced=interlaced)
    depth = read_depth(save("map.png", data))
    assert np.all(np.diff(depth.values.ravel()) > 0)
    assert depth.source.levels == 65_536


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("colour_type", [4, 6])
def test_alpha_is_ignored_with_a_note_or_becomes_validity(save: Save, bits: int, colour_type: int) -> None:
    gray = ramp(16, 16, 2**bits - 1)
    alpha = np.full_like(gray, 2**bits - 1)
    alpha[:4] = 0
    planes = [gray] * (1 if colour_type == 4 else 3) + [alpha]
    path = save("map.png", png(np.stack(planes, axis=-1), bits, colour_type))
    ignored = read_depth(path)
    assert ignored.valid.all()
    assert ignored.values[0, 1] > 0
    assert any("--alpha-mask" in note for note in ignored.source.notes)
    masked = read_depth(path, alpha_mask=True)
    assert not masked.valid[:4].any()
    assert masked.valid[4:].all()
    assert not masked.values[:4].any()
    assert masked.source.invalid_share == 0.25
    assert masked.source.raw_range[0] == gray[4, 0]


def test_a_fully_transparent_map_has_no_depth(save: Save) -> None:
    data = png(np.stack([ramp(16, 16, 255), ramp(16, 16, 255) * 0], axis=-1), 8, 4)
    assert code_of(save, data, alpha_mask=True) is ErrorCode.DEPTH_CONSTANT
    assert code_of(save, data, alpha_mask=True, allow_constant=True) is ErrorCode.DEPTH_CONSTANT


@pytest.mark.parametrize(("bits", "key"), [(2, 3), (8, 255), (16, 65_535)])
def test_the_one_transparent_gray(save: Save, bits: int, key: int) -> None:
    samples = ramp(16, 16, key)
    path = save("map.png", png(samples, bits, before=[(b"tRNS", struct.pack(">H", key))]))
    assert np.array_equal(read_depth(path, alpha_mask=True).valid, samples != key)


def test_a_palette_is_read_by_its_colours(save: Save) -> None:
    indices = ramp(16, 16, 15)
    backwards = np.repeat(np.arange(15, -1, -1, dtype=np.uint8)[:, None] * 17, 3, axis=1)
    depth = read_depth(save("map.png", png(indices, 4, 3, before=[(b"PLTE", backwards.tobytes())])))
    assert np.allclose(depth.values, 1 - indices / 15)
    coloured = np.random.default_rng(1).integers(0, 256, (16, 3), dtype=np.uint8).tobytes()
    assert code_of(save, png(indices, 4, 3, before=[(b"PLTE", coloured)])) is ErrorCode.DEPTH_BAD_SHAPE
    assert code_of(save, png(indices, 4, 3, before=[(b"PLTE", coloured[:30])])) is ErrorCode.DEPTH_UNREADABLE
    masked = png(indices, 4, 3, before=[(b"PLTE", backwards.tobytes()), (b"tRNS", b"\x00")])
    assert np.array_equal(read_depth(save("map.png", masked), alpha_mask=True).valid, indices != 0)


def test_a_palette_of_bone(save: Save) -> None:
    colours = bone(np.arange(256) / 255)
    depth = read_depth(save("map.png", png(ramp(32, 32, 255), 8, 3, before=[(b"PLTE", colours.tobytes())])))
    assert depth.source.colour_map == "bone"


def test_equal_channels_are_gray_and_others_are_not(save: Save) -> None:
    gray = ramp(16, 16, 255)
    assert read_depth(save("map.png", png(np.stack([gray] * 3, axis=-1), 8, 2))).source.colour_map == "gray"
    photo = np.random.default_rng(2).integers(0, 256, (64, 64, 3))
    assert code_of(save, png(photo, 8, 2)) is ErrorCode.DEPTH_BAD_SHAPE
    assert code_of(save, png(photo * 257, 16, 2)) is ErrorCode.DEPTH_BAD_SHAPE


WHOLE = png(ramp(64, 64, 65_535), 16, idat_bytes=600)
PIXELS_END = len(WHOLE) - 12 - 4  # before the checksum of the last pixels and the last chunk
EXPECTED = stretched(ramp(64, 64, 65_535)).astype(np.float32)


@pytest.mark.parametrize("cut", np.linspace(1, len(WHOLE) - 1, 64).astype(int).tolist())
def test_a_cut_file_is_never_half_a_map(save: Save, cut: int) -> None:
    if cut < PIXELS_END:
        assert code_of(save, WHOLE[:cut]) is ErrorCode.DEPTH_TRUNCATED
    else:
        assert np.array_equal(read_depth(save("map.png", WHOLE[:cut])).values, EXPECTED)


def tagged(chunk_: tuple[bytes, bytes]) -> bytes:
    return png(ramp(64, 64, 65_535), 16, after=[chunk_])


@pytest.mark.parametrize("cut", [1, 4, 8, 11, 12, 13, 16, 20, 30, 36, 37])
def test_a_file_cut_behind_its_pixels_is_read_with_a_note(save: Save, cut: int) -> None:
    data = tagged((b"tEXt", b"Comment\0twenty bytes"))
    depth = read_depth(save("map.png", data[:-cut]))
    assert np.array_equal(depth.values, EXPECTED)
    assert any("pixels are complete" in note for note in depth.source.notes)
    with Image.open(BytesIO(WHOLE[:-5])) as image:
        image.load()  # the reference decoder reads it, too


def test_a_wrong_checksum_beside_the_pixels_is_ignored_with_a_note(save: Save) -> None:
    exif = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    for spoiled in (b"tEXt", b"eXIf", b"IEND"):
        data = bytearray(tagged((spoiled, exif) if spoiled == b"eXIf" else (b"tEXt", b"Comment\0text")))
        start = data.index(spoiled)
        (length,) = struct.unpack_from(">I", data, start - 4)
        data[start + 4 + length] ^= 1
        depth = read_depth(save("map.png", bytes(data)))
        assert np.array_equal(depth.values, EXPECTED)  # an orientation that may be wrong is not followed
        assert any(f"checksum of its {spoiled.decode()} chunk" in note for note in depth.source.notes)
        with Image.open(BytesIO(data)) as image:
            image.load()


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT"])
def test_a_wrong_checksum_of_the_pixels_is_refused(save: Save, kind: bytes) -> None:
    data = bytearray(WHOLE)
    start = data.index(kind)
    (length,) = struct.unpack_from(">I", data, start - 4)
    data[start + 4 + length] ^= 1
    assert code_of(save, bytes(data)) is ErrorCode.DEPTH_UNREADABLE


def test_chunks_without_end_with_wrong_checksums_are_refused(save: Save) -> None:
    wrong = b"\0\0\0\0tEXt\0\0\0\0" * 20_000
    assert code_of(save, WHOLE[:-12] + wrong + WHOLE[-12:]) is ErrorCode.DEPTH_UNREADABLE


@pytest.mark.parametrize("position", [17, 29, 31, 45, 300, len(WHOLE) // 2, len(WHOLE) - 20])
def test_a_flipped_byte_is_noticed(save: Save, position: int) -> None:
    spoiled = bytearray(WHOLE)
    spoiled[position] ^= 0x10
    assert code_of(save, bytes(spoiled)) is ErrorCode.DEPTH_UNREADABLE


def with_stream(stream: bytes, side: int = 16) -> bytes:
    return SIGNATURE + header(side, side, 8, 0) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")


RAW = (b"\0" + bytes(range(16))) * 16


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (zlib.compress(RAW[:136]), ErrorCode.DEPTH_TRUNCATED),  # valid, but only half of the rows
        (zlib.compress(RAW)[:-6], ErrorCode.DEPTH_TRUNCATED),
        (b"", ErrorCode.DEPTH_TRUNCATED),
        (zlib.compress(RAW)[:-4] + b"\0\0\0\0", ErrorCode.DEPTH_UNREADABLE),  # wrong checksum inside
        (b"no stream at all", ErrorCode.DEPTH_UNREADABLE),
        (zlib.compress(RAW + bytes(10_000_000)), ErrorCode.DEPTH_UNREADABLE),
        (zlib.compress(b"\x09" + RAW[1:]), ErrorCode.DEPTH_UNREADABLE),  # no such filter
    ],
)
def test_streams_that_lie(save: Save, stream: bytes, code: ErrorCode) -> None:
    assert code_of(save, with_stream(stream)) is code
    assert read_depth(save("map.png", with_stream(zlib.compress(RAW)))).source.levels == 16  # the sound twin


@pytest.mark.parametrize(
    ("width", "height", "bits", "code"),
    [
        (50_000, 50_000, 1, ErrorCode.DEPTH_TOO_LARGE),
        (9_500, 9_500, 8, ErrorCode.DEPTH_TOO_LARGE),  # between once and twice Pillow's limit
        (100_000, 1, 8, ErrorCode.DEPTH_TOO_LARGE),
        (1, 100_000, 8, ErrorCode.DEPTH_TOO_LARGE),
        (2**31 - 1, 2**31 - 1, 16, ErrorCode.DEPTH_TOO_LARGE),
        (1, 1, 8, ErrorCode.DEPTH_BAD_SHAPE),
        (2, 2, 8, ErrorCode.DEPTH_BAD_SHAPE),
        (1, 4_096, 8, ErrorCode.DEPTH_BAD_SHAPE),
        (0, 16, 8, ErrorCode.DEPTH_UNREADABLE),
        (16, 16, 3, ErrorCode.DEPTH_UNREADABLE),
    ],
)
def test_sizes_are_judged_by_the_header(
    save: Save, width: int, height: int, bits: int, code: ErrorCode
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stream = zlib.compress(bytes(50_000_000)) if width == 50_000 else b""
    data = SIGNATURE + header(width, height, bits, 0) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")
    assert code_of(save, data) is code
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_the_smallest_map(save: Save) -> None:
    assert read_depth(save("map.png", png(ramp(8, 8, 255)))).values.shape == (8, 8)


BOMB = zlib.compress(bytes(64 << 20), 9)
METADATA = {
    "zTXt": [(b"zTXt", b"Comment\0\0" + BOMB)],
    "iTXt": [(b"iTXt", b"Comment\0\1\0\0\0" + BOMB)],
    "iCCP": [(b"iCCP", b"profile\0\0" + zlib.compress(bytes(10 << 20)))],
    "gamma": [(b"gAMA", struct.pack(">I", 10_000)), (b"sRGB", b"\0")],
}


@pytest.mark.parametrize("kind", METADATA)
def test_metadata_neither_costs_nor_changes_anything(save: Save, kind: str) -> None:
    samples = ramp(16, 16, 255)
    path = save("map.png", png(samples, before=METADATA[kind]))
    started = time.process_time()
    depth = read_depth(path)
    assert time.process_time() - started < 10
    assert np.array_equal(depth.values, stretched(samples).astype(np.float32))


@pytest.mark.parametrize(
    "extra", [[(b"tEXt", b"a\0b")] * 100_000, [(b"iCCP", bytes(17 << 20))], [(b"IDAT", b"")] * 20_000]
)
def test_too_much_metadata_is_refused(save: Save, extra: list[tuple[bytes, bytes]]) -> None:
    data = png(ramp(16, 16, 255), before=extra)
    started = time.process_time()
    assert code_of(save, data) is ErrorCode.DEPTH_UNREADABLE
    assert time.process_time() - started < 10


def test_an_unknown_critical_chunk_is_refused(save: Save) -> None:
    assert code_of(save, png(ramp(16, 16, 255), before=[(b"ABCD", b"")])) is ErrorCode.DEPTH_UNREADABLE


def test_an_animation_gives_its_first_frame(save: Save) -> None:
    def animated(frames: int) -> bytes:
        return png(
            ramp(16, 16, 255),
            before=[(b"acTL", struct.pack(">II", frames, 0))],
            after=[(b"fdAT", b"\0" * 99)],
        )

    depth = read_depth(save("map.png", animated(3)))
    assert depth.values[-1, -1] == 1
    assert any("3 frames" in note for note in depth.source.notes)
    assert code_of(save, animated(10_000)) is ErrorCode.DEPTH_TOO_LARGE


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", "<>")
def test_orientation_is_undone_as_pillow_does(save: Save, orientation: int, order: str) -> None:
    from PIL import ImageOps

    mark = b"II*\0" if order == "<" else b"MM\0*"
    exif = mark + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    samples = np.random.default_rng(3).permutation(12 * 20).reshape(12, 20)
    path = save("map.png", png(samples, before=[(b"eXIf", exif)]))
    depth = read_depth(path)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(depth.values, (expected / 239.0).astype(np.float32))
    assert (depth.source.size.height, depth.source.size.width) == depth.values.shape == expected.shape


EXIF = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
HEXADECIMAL = (b"Exif\0\0" + EXIF).hex().encode()
RAW_EXIF = b"\nexif\n      %d\n%s\n%s\n" % (len(HEXADECIMAL) // 2, HEXADECIMAL[:36], HEXADECIMAL[36:])
XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="8"/></x:xmpmeta>'
XMP_KEY = b"XML:com.adobe.xmp\0"
ORIENTED = {
    "raw-zTXt": [(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(RAW_EXIF))],
    "raw-tEXt": [(b"tEXt", b"Raw profile type exif\0" + RAW_EXIF)],
    "xmp": [(b"iTXt", XMP_KEY + b"\0\0\0\0" + XMP)],
    "xmp-packed": [(b"iTXt", XMP_KEY + b"\1\0\0\0" + zlib.compress(XMP))],
    "xmp-element": [(b"iTXt", XMP_KEY + b"\0\0\0\0<tiff:Orientation>3</tiff:Orientation>")],
    "exif-before-xmp": [(b"eXIf", EXIF), (b"iTXt", XMP_KEY + b"\0\0\0\0" + XMP)],
    "none-in-xmp": [(b"iTXt", XMP_KEY + b"\0\0\0\0<x:xmpmeta/>")],
    "raw-of-no-digits": [(b"tEXt", b"Raw profile type exif\0\nexif\n 4\nno digits\n")],
}


@pytest.mark.parametrize("kind", ORIENTED)
@pytest.mark.parametrize("place", ["before", "after"])
def test_orientation_in_texts_is_undone_as_pillow_does(save: Save, kind: str, place: str) -> None:
    from PIL import ImageOps

    numbers = np.random.default_rng(3).permutation(12 * 20).reshape(12, 20)
    chunks = ORIENTED[kind]
    data = png(numbers, before=chunks) if place == "before" else png(numbers, after=chunks)
    depth = read_depth(save("map.png", data))
    if "no-digits" in kind:
        assert depth.values.shape == (12, 20)
        return
    with Image.open(BytesIO(data)) as image:
        image.load()
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(depth.values, (expected / 239.0).astype(np.float32))


@pytest.mark.parametrize(
    "exif", [b"", b"II", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", b"rubbish" * 9]
)
def test_damaged_orientation_is_no_orientation(save: Save, exif: bytes) -> None:
    assert read_depth(save("map.png", png(ramp(9, 11, 98), before=[(b"eXIf", exif)]))).values.shape == (9, 11)


def test_only_the_png_decoder_is_ever_asked(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(*args: object, **options: object) -> None:
        raise AssertionError("Pillow was to choose a decoder by itself")

    monkeypatch.setattr(Image, "open", choose)
    read_depth(save("map.png", png(np.rint(smooth(16, 16) * 255))))
