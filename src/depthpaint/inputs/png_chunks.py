"""Walk a PNG's chunks: verify every checksum, keep what decides the pixels, drop the rest."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.inputs.file_kind import PNG_SIGNATURE
from depthpaint.inputs.png_header import HEADER_END, PALETTE, PngHeader, damaged, read_png_header, truncated
from depthpaint.inputs.size_limit import check_size

MAX_CHUNKS = 10_000
MAX_METADATA_BYTES = 16 << 20
MAX_FRAMES = 1_000
FRAMES_AT_ONCE = 3
"""Times the largest map: as many pixels may all frames of an animation have."""

_PIECE = 1 << 20
_FULL_CHUNK = 1_024
_FRAME_DATA = (b"fdAT", b"fcTL")


@dataclass(frozen=True, slots=True)
class PngContent:
    """The parts of a PNG that decide its pixels.

    `pixels` is the compressed pixel stream, already checked to unpack to exactly the header's size; `palette`
    and `transparency` are PLTE and tRNS or empty; `exif` is eXIf or empty; `frames` counts an animation's
    frames (1 for a still).
    """

    header: PngHeader
    pixels: bytes
    palette: bytes
    transparency: bytes
    exif: bytes
    frames: int

    def rebuilt(self) -> bytes:
        """A PNG file of nothing but these parts, so that no metadata ever reaches an image library."""
        header = self.header
        fields = (*header.size, header.bits, header.colour_type, 0, 0, int(header.interlaced))
        chunks = [PNG_SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", *fields))]
        if header.colour_type == PALETTE:
            chunks.append(_chunk(b"PLTE", self.palette))
        return b"".join([*chunks, _chunk(b"IDAT", self.pixels), _chunk(b"IEND", b"")])


def read_png_content(name: str, data: bytes, max_pixels: int) -> PngContent:
    """Check `data` from end to end and return what decides the pixels.

    Raises DepthError: depth_too_large and depth_bad_shape from the header alone, depth_truncated,
    depth_unreadable.
    """
    header = read_png_header(name, data)
    check_size(name, header.size, max_pixels)
    return png_content(name, data, header, max_pixels)


def png_content(name: str, data: bytes, header: PngHeader, max_pixels: int) -> PngContent:
    """As `read_png_content`, for a `header` whose size is judged already."""
    kept: dict[bytes, bytes] = {}
    pieces: list[bytes] = []
    small, metadata, frames = 0, 0, 1
    for kind, start, length in _walk(name, data):
        if kind == b"IDAT":
            pieces.append(data[start : start + length])
        elif kind in (b"PLTE", b"tRNS", b"eXIf"):
            kept.setdefault(kind, data[start : start + length])
        elif kind == b"acTL" and length == 8:
            frames = _frames(name, header, data[start : start + 4], max_pixels)
        elif kind[0] & 0x20 == 0 and kind != b"IEND":
            raise damaged(name, f"it needs a chunk of an unknown kind, {kind.decode('ascii')}")
        small += is_counted(kind, length)
        metadata += length if kind != b"IDAT" and kind not in _FRAME_DATA else 0
        if small > MAX_CHUNKS or metadata > MAX_METADATA_BYTES:
            raise damaged(name, "it carries more metadata than any picture needs")
    pixels = b"".join(pieces)
    _check_stream(name, pixels, header.scanline_bytes)
    palette, transparency, exif = (kept.get(kind, b"") for kind in (b"PLTE", b"tRNS", b"eXIf"))
    return PngContent(header, pixels, palette, transparency, exif, frames)


def is_counted(kind: bytes, length: int) -> bool:
    """Whether a chunk is counted; large ones of pixels are bounded by the size of the file."""
    return kind != b"IDAT" or length < _FULL_CHUNK


def _walk(name: str, data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and length of each chunk after IHDR, to IEND, each with its checksum verified."""
    view, position = memoryview(data), HEADER_END
    while True:
        if position + 12 > len(data):
            raise truncated(name)
        length, kind = struct.unpack_from(">I4s", data, position)
        if length >= 2**31 or not kind.isalpha():
            raise damaged(name, "a chunk has no valid head")
        start, end = position + 8, position + 8 + length
        if end + 4 > len(data):
            raise truncated(name)
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise damaged(name, f"the checksum of its {kind.decode('ascii')} chunk is wrong")
        yield kind, start, length
        if kind == b"IEND":
            return
        position = end + 4


def _frames(name: str, header: PngHeader, field: bytes, max_pixels: int) -> int:
    frames = int.from_bytes(field, "big")
    if frames > MAX_FRAMES or frames * header.size.pixels > FRAMES_AT_ONCE * max_pixels:
        raise DepthError(
            f"{name} is an animation of {frames:,} frames of {header.size} pixels",
            code=ErrorCode.DEPTH_TOO_LARGE,
            remedy="save the frame that you mean as a picture of its own",
            value=frames,
            limit=MAX_FRAMES,
        )
    return max(1, frames)


def _check_stream(name: str, pixels: bytes, expected: int) -> None:
    """Unpack in small pieces and count: image libraries leave rows black where a stream ends early."""
    unpacker, view = zlib.decompressobj(), memoryview(pixels)
    total = 0
    try:
        # In pieces of input, too: after every piece of output the unpacker copies all the input that is left.
        for start in range(0, len(pixels), _PIECE):
            rest: bytes | memoryview = view[start : start + _PIECE]
            while rest and not unpacker.eof and total <= expected:
                total += len(unpacker.decompress(rest, _PIECE))
                rest = unpacker.unconsumed_tail
        # What is inside the unpacker after the last input.
        while not unpacker.eof and total <= expected and (more := unpacker.decompress(b"", _PIECE)):
            total += len(more)
    except zlib.error as error:
        raise damaged(name, "its pixels cannot be unpacked") from error
    if total > expected:
        raise damaged(name, "it holds more pixels than its header says")
    if total < expected or not unpacker.eof:
        raise truncated(name)


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", crc)))
