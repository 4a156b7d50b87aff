"""JPEGs: their own pixels, and the depth maps that phones hide in them."""

from __future__ import annotations

import base64
import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from decoding import refusal, samples
from made_jpeg import (
    apple_portrait,
    dynamic_portrait,
    google_portrait,
    jpeg,
    photo,
    segment,
    with_segments,
    xmp,
    xmp_segment,
)
from PIL import Image, ImageOps

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth
from made_depth import smooth
from made_png import png

GRAY = np.rint(smooth(48, 64) * 255).astype(np.uint8)


def test_gray_is_read_and_called_lossy() -> None:
    read = samples(jpeg(GRAY))
    assert np.abs(read.values.astype(int) - GRAY).max() < 8
    assert (read.bits, read.lossy, read.quantity, read.opaque) == (8, True, None, None)
    assert any("lossy" in note for note in read.notes)


def test_what_hides_in_a_portrait_is_not_taken_for_the_photo(tmp_path: Path) -> None:
    """Else --from-photo would have an estimator look at a depth map."""
    assert not samples(jpeg(photo())).hidden
    for portrait in (google_portrait, dynamic_portrait, apple_portrait):
        data = portrait(jpeg(photo()), jpeg(GRAY))
        assert samples(data).hidden
        (tmp_path / "portrait.jpg").write_bytes(data)
        with pytest.raises(DepthError, match="leave --from-photo out"):
            read_depth(tmp_path / "portrait.jpg", DepthReading(from_photo="any"))


@pytest.mark.parametrize("progressive", [False, True])
def test_equal_channels_come_back_as_gray(progressive: bool) -> None:
    read = samples(jpeg(np.stack([GRAY] * 3, axis=-1), progressive=progressive))
    assert read.values.ndim == 2
    tinged = np.stack([GRAY, GRAY, np.minimum(GRAY, 253) + 2], axis=-1)
    assert samples(jpeg(tinged, progressive=progressive)).values.ndim == 2
    assert samples(jpeg(photo())).values.shape == (48, 64, 3)


def test_it_is_what_pillow_reads() -> None:
    for pixels in (GRAY, photo()):
        data = jpeg(pixels)
        assert np.array_equal(samples(data).values, np.asarray(Image.open(BytesIO(data))))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_undone_as_pillow_does(orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = jpeg(GRAY, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))))
    read = samples(data)
    assert np.array_equal(read.values, expected)
    assert len(read.notes) == 1 + (orientation != 1)


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_in_xmp_is_undone_as_pillow_does(orientation: int) -> None:
    packet = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP % orientation)
    data = with_segments(jpeg(GRAY), packet)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))))
    assert np.array_equal(samples(data).values, expected)


@pytest.mark.parametrize("junk", [b"junk", b"\0", b"\xff\0ab\xff\0", b"\0" * 5_000, b"\xff\xff\xff"])
@pytest.mark.parametrize("before", [b"\xff\xdb", b"\xff\xc0", b"\xff\xc4", b"\xff\xda"])
def test_junk_between_segments_is_skipped_as_pillow_does(junk: bytes, before: bytes) -> None:
    whole = jpeg(GRAY)
    at = whole.index(before)
    data = whole[:at] + junk + whole[at:]
    read = samples(data)
    assert np.array_equal(read.values, np.asarray(Image.open(BytesIO(data))))
    assert np.array_equal(read.values, samples(whole).values)
    assert any("skipped" in note for note in read.notes) == bool(junk.strip(b"\xff"))


def test_what_pillow_does_not_read_is_no_jpeg() -> None:
    for data in (b"junk" + jpeg(GRAY), b"\n" + jpeg(GRAY), jpeg(GRAY)[:2] + b"junk" + jpeg(GRAY)[2:]):
        assert refusal(data).code is ErrorCode.DEPTH_UNSUPPORTED_FORMAT
        with pytest.raises(OSError, match="cannot identify"):
            Image.open(BytesIO(data))
    endless = jpeg(GRAY)[:2] + b"\xff\xe0\0\2" + b"\xff\0" * 20_000 + jpeg(GRAY)[2:]
    assert refusal(endless).code is ErrorCode.DEPTH_TOO_LARGE
    assert refusal(jpeg(GRAY)[:20] + bytes(1 << 20)).code is ErrorCode.DEPTH_TRUNCATED


def test_only_the_jpeg_decoder_is_ever_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(*args: object, **options: object) -> None:
        raise AssertionError("Pillow was to choose a decoder by itself")

    monkeypatch.setattr(Image, "open", choose)
    samples(jpeg(GRAY))


WHOLE = jpeg(np.random.default_rng(2).integers(0, 256, (64, 64), np.uint8))


@pytest.mark.parametrize("cut", np.linspace(3, len(WHOLE) - 1, 48).astype(int).tolist())
def test_a_cut_file_is_never_half_a_map(cut: int) -> None:
    assert refusal(WHOLE[:cut]).code is ErrorCode.DEPTH_TRUNCATED


def with_size(height: int, width: int, bits: int = 8, marker: int = 0xC0) -> bytes:
    place = WHOLE.index(b"\xff\xc0")
    return WHOLE[:place] + struct.pack(">BBHBHH", 0xFF, marker, 11, bits, height, width) + WHOLE[place + 9 :]


@pytest.mark.parametrize(("data", "code"), [
    (with_size(40_000, 8), ErrorCode.DEPTH_TOO_LARGE),
    (with_size(9_500, 9_500), ErrorCode.DEPTH_TOO_LARGE),
    (with_size(4, 64), ErrorCode.DEPTH_BAD_SHAPE),
    (with_size(0, 64), ErrorCode.DEPTH_UNREADABLE),
    (with_size(64, 64, bits=12), ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    (with_size(64, 64, marker=0xC3), ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    (with_size(64, 64, marker=0xC9), ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    (WHOLE[:2] + b"\xff\xd9", ErrorCode.DEPTH_TRUNCATED),
    (WHOLE[:2] + b"\xff\xd9" + WHOLE, ErrorCode.DEPTH_UNREADABLE),
    (WHOLE[:2] + b"\xff\xe0\0\1" + WHOLE, ErrorCode.DEPTH_UNREADABLE),
    (with_segments(WHOLE, *[segment(0xE5, b"")] * 10_001), ErrorCode.DEPTH_TOO_LARGE),
    (WHOLE[:-2] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" * 40 + b"\xff\xd9", ErrorCode.DEPTH_TOO_LARGE),
])  # fmt: skip
def test_files_that_lie(data: bytes, code: ErrorCode) -> None:
    assert refusal(data).code is code


def test_printing_inks_are_refused() -> None:
    stream = BytesIO()
    Image.new("CMYK", (32, 32)).save(stream, "JPEG")
    assert refusal(stream.getvalue()).code is ErrorCode.DEPTH_BAD_SHAPE


def test_metadata_never_reaches_pillow() -> None:
    noisy = with_segments(WHOLE, *(segment(0xE0 + k, bytes(60_000)) for k in range(1, 14)))
    assert np.array_equal(samples(noisy).values, samples(WHOLE).values)


DEPTH = np.rint(smooth(24, 32) * 60_000).astype(np.uint16)
HIDDEN = png(DEPTH, 16)
PICTURE = jpeg(photo())


@pytest.mark.parametrize("turned", [False, True])
def test_googles_inverse_range_is_disparity(turned: bool) -> None:
    """GDepth's RangeInverse stores 0 at the near plane although it is even in 1 / distance."""
    read = samples(google_portrait(PICTURE, HIDDEN, turned=turned))
    assert np.array_equal(read.values, 65_535 - DEPTH)
    assert (read.quantity, read.lossy, read.bits) == ("disparity", False, 16)
    assert any("inside" in note and "from 0.5 to 12.5" in note for note in read.notes)


def test_googles_linear_range_is_distance() -> None:
    read = samples(google_portrait(PICTURE, HIDDEN, "RangeLinear"))
    assert np.array_equal(read.values, DEPTH)
    assert read.quantity == "distance"
    assert samples(google_portrait(PICTURE, HIDDEN, "Mystery")).quantity is None


def test_dynamic_depth_lies_behind_the_picture() -> None:
    hidden = jpeg(GRAY)
    read = samples(dynamic_portrait(PICTURE, hidden))
    assert np.array_equal(read.values, samples(hidden).values)
    assert (read.quantity, read.lossy) == ("distance", True)
    assert any("from 1 to 9 m" in note for note in read.notes)
    read = samples(dynamic_portrait(PICTURE, hidden, "RangeInverse"))
    assert np.array_equal(read.values, 255 - samples(hidden).values)


@pytest.mark.parametrize(("kind", "quantity"), [("disparity", "disparity"), ("depth", "distance")])
def test_apples_second_picture(kind: str, quantity: str) -> None:
    read = samples(apple_portrait(PICTURE, jpeg(GRAY), kind))
    assert np.abs(read.values.astype(int) - GRAY).max() < 8
    assert read.quantity == quantity


def test_other_second_pictures_are_none_of_ours() -> None:
    for kind in ("urn:com:apple:photo:2020:aux:hdrgainmap", "portraiteffectsmatte"):
        read = samples(apple_portrait(PICTURE, jpeg(GRAY), kind))
        assert read.values.shape == (48, 64, 3)


def test_a_hidden_map_is_turned_with_its_picture() -> None:
    exif = Image.Exif()
    exif[274] = 6
    read = samples(google_portrait(jpeg(photo(), exif=exif), HIDDEN, "RangeLinear"))
    assert np.array_equal(read.values, np.rot90(DEPTH, -1))


@pytest.mark.parametrize("hidden", [b"", b"rubbish", HIDDEN[:300], png(DEPTH[:4], 16)])
def test_a_hidden_map_that_is_broken_is_not_passed_over(hidden: bytes) -> None:
    error = refusal(google_portrait(PICTURE, hidden))
    assert "inside" in str(error)


def test_announced_and_missing() -> None:
    space = 'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/"'
    refusal(with_segments(PICTURE, xmp_segment(xmp('GDepth:Data="not base64!"', space))))
    for length in ("99999999", "-5", "0", "x"):
        refusal(dynamic_portrait(PICTURE, jpeg(GRAY), length=length))


def test_entities_are_not_unfolded() -> None:
    laughs = "".join(f'<!ENTITY e{k + 1} "{f"&e{k};" * 10}">' for k in range(12))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "ha">{laughs}]><x>&e12;</x>'.encode()
    assert samples(with_segments(PICTURE, xmp_segment(bomb))).values.shape == (48, 64, 3)
    deep = b"<a>" * 20_000
    assert samples(with_segments(PICTURE, xmp_segment(deep))).values.shape == (48, 64, 3)
    # A packet that would be sound without its document type says nothing either.
    space = 'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/"'
    packet = b"<!DOCTYPE x>" + xmp(f'GDepth:Data="{base64.b64encode(HIDDEN).decode()}"', space)
    assert samples(with_segments(PICTURE, xmp_segment(packet))).values.shape == (48, 64, 3)
    assert samples(with_segments(PICTURE, xmp_segment(packet[12:]))).values.shape == DEPTH.shape
