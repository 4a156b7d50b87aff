"""Pictures are read as viewers show them, whatever stands around their pixels."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from depthpaint.core.errors import ErrorCode
from depthpaint.formats.png import MAX_CHUNKS
from depthpaint.record import picture_source
from depthpaint.record.encode import encode_png
from depthpaint.record.picture_file import read_record
from depthpaint.record.picture_source import pixels_of
from depthpaint.record.run_record import RecordError

ANY = ("PNG", "JPEG", "WEBP")
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ANY)
def test_a_picture_is_turned_as_its_orientation_says(
    tmp_path: Path, image_format: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "picture"
    more = {"lossless": True} if image_format == "WEBP" else {}
    Image.fromarray(PIXELS).save(path, image_format, exif=exif, **more)
    with Image.open(path) as picture:
        shown = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    assert np.array_equal(pixels_of(path), shown)


def test_sixteen_bits_of_gray_are_read_by_their_high_byte(tmp_path: Path) -> None:
    gray = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    Image.fromarray(gray).save(tmp_path / "g.png")
    found = pixels_of(tmp_path / "g.png")
    assert np.array_equal(found, np.repeat((gray >> 8).astype(np.uint8)[..., None], 3, axis=2))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_any_mode_is_read_as_pillow_converts_it(tmp_path: Path, mode: str) -> None:
    image_format = "JPEG" if mode == "CMYK" else "PNG"
    Image.fromarray(PIXELS).convert(mode).save(tmp_path / "p", image_format)
    with Image.open(tmp_path / "p") as picture:
        assert np.array_equal(pixels_of(tmp_path / "p"), np.asarray(picture.convert("RGB")))


def test_a_picture_of_endless_texts_is_refused(tmp_path: Path) -> None:
    plain = encode_png(PIXELS, {})
    crowded = plain[:33] + chunk(b"tEXt", b"a\0b") * (MAX_CHUNKS + 1) + plain[33:]
    (tmp_path / "p.png").write_bytes(crowded)
    for read in (pixels_of, read_record):
        with pytest.raises(RecordError) as refused:
            read(tmp_path / "p.png")
        assert refused.value.code is ErrorCode.PICTURE_UNREADABLE


def test_a_jpeg_of_endless_segments_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG")
    crowded = b"\xff\xd8" + b"\xff\xfe\0\x02" * 20_000 + buffer.getvalue()[2:]
    (tmp_path / "p.jpg").write_bytes(crowded)
    with pytest.raises(RecordError, match="segments"):
        pixels_of(tmp_path / "p.jpg")


def test_the_texts_of_a_picture_do_not_reach_the_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "p.png").write_bytes(encode_png(PIXELS, {"parameters": "a secret"}))
    opened: list[bytes] = []
    original = Image.open

    def spied(file: io.BytesIO, **kwargs: object) -> Image.Image:
        opened.append(file.getvalue())
        return original(file, **kwargs)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(picture_source.Image, "open", spied)
    assert np.array_equal(pixels_of(tmp_path / "p.png"), PIXELS)
    assert opened
    assert b"secret" not in opened[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"GIF89a", "a GIF picture"),
        (encode_png(PIXELS, {})[:-30], "ends in the middle"),
        (b"\x89PNG\r\n\x1a\n", "ends in the middle"),
    ],
)
def test_what_is_no_whole_picture_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "p.png").write_bytes(data)
    with pytest.raises(RecordError, match=words) as refused:
        pixels_of(tmp_path / "p.png")
    assert refused.value.code is ErrorCode.PICTURE_UNREADABLE


def test_a_picture_larger_than_any_output_is_refused_by_its_header(tmp_path: Path) -> None:
    Image.new("1", (8192, 8193)).save(tmp_path / "p.png")
    with pytest.raises(RecordError, match="too large"):
        pixels_of(tmp_path / "p.png")
