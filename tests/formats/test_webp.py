"""WebP pictures: exact and lossy ones, transparency, animations."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from decoding import refusal, samples
from made_jpeg import photo
from numpy.typing import NDArray
from PIL import Image, ImageOps

from depthpaint.core.errors import ErrorCode
from made_depth import smooth

GRAY = np.rint(smooth(48, 64) * 255).astype(np.uint8)
EQUAL = np.stack([GRAY] * 3, axis=-1)


def webp(pixels: NDArray[Any], **options: Any) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", **options)
    return stream.getvalue()


def test_lossless_is_exact_and_lossy_is_told() -> None:
    read = samples(webp(EQUAL, lossless=True))
    assert np.array_equal(read.values, GRAY)
    assert (read.lossy, read.notes, read.bits) == (False, (), 8)
    read = samples(webp(EQUAL, quality=95))
    assert read.values.ndim == 2
    assert np.abs(read.values.astype(int) - GRAY).max() < 20
    assert read.lossy
    assert any("lossy" in note for note in read.notes)
    assert np.array_equal(samples(webp(photo(), lossless=True)).values, photo())


@pytest.mark.parametrize("lossless", [True, False])
def test_transparency(lossless: bool) -> None:
    alpha = np.full_like(GRAY, 255)
    alpha[:10] = 0
    read = samples(webp(np.dstack([EQUAL, alpha]), lossless=lossless, exact=True))
    assert read.opaque is not None
    assert np.array_equal(read.opaque, alpha > 127)
    assert read.lossy is not lossless


@pytest.mark.parametrize("lossless", [True, False])
def test_an_animation_gives_its_first_frame(lossless: bool) -> None:
    frames = [Image.fromarray(EQUAL // (k + 1)) for k in range(3)]
    stream = BytesIO()
    frames[0].save(stream, "WEBP", save_all=True, append_images=frames[1:], lossless=lossless)
    read = samples(stream.getvalue())
    assert any("3 frames" in note for note in read.notes)
    assert read.lossy is not lossless
    assert np.abs(read.values.astype(int) - GRAY).max() < 20


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    return chunk(
        b"VP8X",
        bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"),
    )


PIXELS = webp(EQUAL, lossless=True)[12:]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_is_undone_as_pillow_does(orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = webp(EQUAL, lossless=True, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))))
    assert np.array_equal(samples(data).values, expected[..., 0])


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_in_xmp_is_undone_as_pillow_does(orientation: int) -> None:
    data = webp(EQUAL, lossless=True, xmp=b'<rdf:Description tiff:Orientation="%d"/>' % orientation)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))))
    assert np.array_equal(samples(data).values, expected[..., 0])


@pytest.mark.parametrize(("data", "code"), [
    (riff(canvas(40_000, 8), PIXELS), ErrorCode.DEPTH_TOO_LARGE),
    (riff(canvas(9_500, 9_500), PIXELS), ErrorCode.DEPTH_TOO_LARGE),
    (riff(canvas(4, 64), PIXELS), ErrorCode.DEPTH_BAD_SHAPE),
    (riff(canvas(65, 48), PIXELS), ErrorCode.DEPTH_UNREADABLE),  # another size than the pixels'
    (riff(canvas(64, 48)), ErrorCode.DEPTH_UNREADABLE),
    (riff(chunk(b"VP8 ", b"rubbish" * 9)), ErrorCode.DEPTH_UNREADABLE),
    (riff(chunk(b"VP8L", b"\x2f\x3f\xc0\x0b\0" + b"rubbish" * 9)), ErrorCode.DEPTH_UNREADABLE),
    (riff(chunk(b"VP8L", b"")), ErrorCode.DEPTH_UNREADABLE),
    (riff(chunk(b"VP8X", b"")), ErrorCode.DEPTH_UNREADABLE),
    (riff(canvas(64, 48, 2), *[chunk(b"ANMF", bytes(24))] * 1_001), ErrorCode.DEPTH_TOO_LARGE),
    (riff(canvas(64, 48), *[chunk(b"ABCD", b"")] * 10_001), ErrorCode.DEPTH_TOO_LARGE),
    (riff(canvas(64, 48), b"VP8L" + struct.pack("<I", 2**32 - 1)), ErrorCode.DEPTH_UNREADABLE),
])  # fmt: skip
def test_files_that_lie(data: bytes, code: ErrorCode) -> None:
    assert refusal(data).code is code


WHOLE = webp(photo())


@pytest.mark.parametrize("cut", np.linspace(12, len(WHOLE) - 1, 32).astype(int).tolist())
def test_a_cut_file_is_never_half_a_map(cut: int) -> None:
    assert refusal(WHOLE[:cut]).code is ErrorCode.DEPTH_TRUNCATED
    shortened = WHOLE[:4] + struct.pack("<I", cut - 8) + WHOLE[8:cut]
    assert refusal(shortened).code in (ErrorCode.DEPTH_UNREADABLE, ErrorCode.DEPTH_TRUNCATED)
