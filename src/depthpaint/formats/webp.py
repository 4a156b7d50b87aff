"""WebP: check its chunks before decoding; then 8 bits per channel."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from depthpaint.core.geometry import Extent
from depthpaint.formats.foreign import decoded
from depthpaint.formats.samples import (
    LOSSY_NOTE,
    UPRIGHT,
    UPRIGHT_NOTE,
    Samples,
    check_size,
    damaged,
    gray_or_colours,
    orientation_of,
    too_many,
    truncated,
    upright,
)

MAX_FRAMES = 1_000
MAX_CHUNKS = 10_000

KIND = "WebP picture"
_HEAD = 12
_PIXELS = (b"VP8X", b"ALPH", b"VP8 ", b"VP8L", b"ANIM", b"ANMF")
_ANIMATED, _ALPHA = 0x02, 0x10
_FRAME_HEAD = 16
_LOSSLESS_SIGNATURE = 0x2F


@dataclass(frozen=True, slots=True)
class WebpChunks:
    """The parts of a WebP.

    `plain` is the same picture without metadata; `frames` is 1 for a still; `orientation` is EXIF's or XMP's;
    `xmp` is empty where there is none.
    """

    size: Extent
    lossless: bool
    frames: int
    orientation: int
    plain: bytes
    xmp: bytes


def read_webp_chunks(name: str, data: bytes) -> WebpChunks:
    """Walk the chunks; raises DepthError. The size is not checked here."""
    (length,) = struct.unpack_from("<I", data, 4) if len(data) >= _HEAD else (0,)
    if len(data) < _HEAD + 8 or length + 8 > len(data):
        raise truncated(name, KIND)
    size: Extent | None = None
    kept: list[bytes] = []
    exif, xmp, lossless, frames = b"", b"", False, 0
    for kind, content in _walk(name, data, _HEAD, length + 8):
        if kind == b"VP8X":
            size = _canvas(name, content)
            content = bytes([content[0] & (_ANIMATED | _ALPHA)]) + content[1:]
        elif kind in (b"VP8 ", b"VP8L"):
            size = size or _frame_size(name, kind, content)
            lossless, frames = kind == b"VP8L", frames + 1
        elif kind == b"ANMF":
            frames += 1
            if frames == 1:
                inner = [inside for inside, _ in _walk(name, content, _FRAME_HEAD, len(content))]
                lossless = b"VP8L" in inner
        elif kind == b"EXIF":
            exif = content
        elif kind == b"XMP ":
            xmp = content
        if kind in _PIXELS:
            kept.append(kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2))
    if size is None or frames == 0:
        raise damaged(name, KIND, "it has no pixels")
    if frames > MAX_FRAMES:
        raise too_many(name, f"an animation of {frames:,} frames", MAX_FRAMES)
    body = b"WEBP" + b"".join(kept)
    plain = b"RIFF" + struct.pack("<I", len(body)) + body
    return WebpChunks(size, lossless, frames, orientation_of(exif, xmp), plain, xmp)


def _walk(name: str, data: bytes, position: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(MAX_CHUNKS):
        if position + 8 > end:
            return
        kind, length = struct.unpack_from("<4sI", data, position)
        if position + 8 + length > end:
            raise damaged(name, KIND, "a chunk does not fit into it")
        yield kind, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    raise too_many(name, f"more than {MAX_CHUNKS:,} chunks", MAX_CHUNKS)


def _canvas(name: str, content: bytes) -> Extent:
    if len(content) < 10:
        raise damaged(name, KIND, "its header is too short")
    width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (4, 7))
    return Extent(width, height)


def _frame_size(name: str, kind: bytes, content: bytes) -> Extent:
    if kind == b"VP8L" and len(content) >= 5 and content[0] == _LOSSLESS_SIGNATURE:
        bits = int.from_bytes(content[1:5], "little")
        return Extent((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 " and content[3:6] == b"\x9d\x01\x2a" and len(content) >= 10:
        width, height = struct.unpack_from("<HH", content, 6)
        size = Extent(width & 0x3FFF, height & 0x3FFF)
        if min(size) > 0:
            return size
    raise damaged(name, KIND, "its header is invalid")


def decode_webp(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode a still or an animation's first frame; a pixel is opaque from half of full opacity on.

    Raises DepthError.
    """
    chunks = read_webp_chunks(name, data)
    check_size(name, chunks.size, max_pixels)
    planes = decoded(name, chunks.plain, "WEBP")
    notes = [] if chunks.lossless else [LOSSY_NOTE]
    if chunks.frames > 1:
        notes.append(f"the file is an animation of {chunks.frames} frames; the first is used")
    if chunks.orientation != UPRIGHT:
        notes.append(UPRIGHT_NOTE)
        planes = upright(planes, chunks.orientation)
    values = gray_or_colours(planes[..., :3], lossy=not chunks.lossless)
    opaque = planes[..., 3] >= 128 if planes.shape[2] == 4 else None
    return Samples(values=values, opaque=opaque, bits=8, notes=tuple(notes), lossy=not chunks.lossless)
