"""What a file is told to be by its first bytes."""

from __future__ import annotations

import pytest

from depthpaint.formats.file_kind import file_kind


@pytest.mark.parametrize(("data", "verdict"), [
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\x93NUMPY\x01\0", "npy"),
    (b"\xff\xd8\xff\xe0", "jpeg"),
    (b"RIFF\x10\0\0\0WEBPVP8 ", "webp"),
    (b"II*\0\x08\0\0\0", "tiff"),
    (b"MM\0*\0\0\0\x08", "tiff"),
    (b"II+\0\x08\0\0\0", "tiff"),
    (b"MM\0+\0\x08\0\0", "tiff"),
    (b"PK\x03\x04" + bytes(26) + b"depth.npy", "npz"),
    (b"PK\x03\x04" + bytes(5_000) + b"PK\x01\x02" + bytes(42) + b"depth.npy", "npz"),
    (b"Pf\n9 9\n-1\n", "pfm"),
    (b"PF 9 9 -1\n", "pfm"),
    (b"v/1\x01\x02\0\0\0", "exr"),
    (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "heif"),
    (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "heif"),
    (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "other"),
    (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1", "other"),
    (b"\0\0\0\x18ftypisom\0\0\0\0isom", "other"),
    (b"RIFF\x10\0\0\0WAVEfmt ", "other"),
    (b"PK\x03\x04" + bytes(26) + b"archive/data.pkl", "pickle"),
    (b"PK\x03\x04" + bytes(26) + b"text.txt", "other"),
    (b"\x80\x04\x95", "pickle"),
    (b"P5\n9 9\n255\n", "pgm"),
    (b"P2#9", "pgm"),
    (b"P6\n9 9\n255\n", "other"),
    (b"20&16&1&", "colmap"),
    (b"20&16 texts", "other"),
    (b"bvx2", "other"),
    (b"Pfeil", "other"),
    (b"II", "cut"),
    (b"v/1", "cut"),
    (b"\xff\xd8", "cut"),
    (b"\x89", "cut"),
    (b"I", "other"),
    (b"", "empty"),
])  # fmt: skip
def test_verdicts(data: bytes, verdict: str) -> None:
    kind = file_kind(data)
    assert kind.verdict == verdict
    assert kind.looks_like
    assert bool(kind.remedy) == (
        verdict not in ("png", "npy", "jpeg", "webp", "tiff", "npz", "pfm", "pgm", "exr", "heif", "colmap")
    )
