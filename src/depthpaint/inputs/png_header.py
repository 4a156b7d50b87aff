"""The first chunk of a PNG: its size and kind, checked before anything is decoded."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.geometry import Extent
from depthpaint.inputs.file_kind import PNG_SIGNATURE

GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
HEADER_END = len(PNG_SIGNATURE) + 12 + 13

_CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
_DEPTHS = {
    GRAY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GRAY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}
# Adam7: for each pass, first column, first row, column step, row step.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(frozen=True, slots=True)
class PngHeader:
    """What IHDR says. `bits` is per channel; `colour_type` is PNG's own number."""

    size: Extent
    bits: int
    colour_type: int
    interlaced: bool

    @property
    def scanline_bytes(self) -> int:
        """How many bytes the compressed pixels unpack to, with one filter byte a row."""
        bits = self.bits * _CHANNELS[self.colour_type]
        total = 0
        for left, top, across, down in _PASSES if self.interlaced else ((0, 0, 1, 1),):
            width = (self.size.width - left + across - 1) // across
            height = (self.size.height - top + down - 1) // down
            if width > 0 and height > 0:
                total += height * (1 + (width * bits + 7) // 8)
        return total


def read_png_header(name: str, data: bytes) -> PngHeader:
    """Parse IHDR; raises DepthError (depth_truncated, depth_unreadable). The size is not judged here."""
    chunk = data[len(PNG_SIGNATURE) : HEADER_END]
    if len(chunk) < 25:
        raise truncated(name)
    length, kind, width, height, bits, colour_type, *rest, crc = struct.unpack(">I4sIIBBBBBI", chunk)
    if kind != b"IHDR" or length != 13 or crc != zlib.crc32(chunk[4:21]):
        raise damaged(name, "its header is corrupt")
    known = bits in _DEPTHS.get(colour_type, ()) and rest[:2] == [0, 0] and rest[2] in (0, 1)
    if not known or not (0 < width < 2**31 and 0 < height < 2**31):
        raise damaged(name, "its header names no valid kind of PNG")
    return PngHeader(Extent(width, height), bits, colour_type, rest[2] == 1)


def truncated(name: str) -> DepthError:
    """The error for a PNG that ends too early."""
    return DepthError(
        f"{name} ends in the middle of the picture",
        code=ErrorCode.DEPTH_TRUNCATED,
        remedy="copy or download it again",
        value=name,
    )


def damaged(name: str, reason: str) -> DepthError:
    """The error for a PNG that contradicts itself."""
    return DepthError(
        f"{name} is a damaged PNG: {reason}",
        code=ErrorCode.DEPTH_UNREADABLE,
        remedy="copy or download it again, or save it anew with an image program",
        value=name,
    )
