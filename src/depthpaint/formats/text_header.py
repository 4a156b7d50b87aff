"""Formats of a header in text and plain numbers: PFM, PGM and COLMAP's depth maps.

PFM: http://www.pauldebevec.com/Research/HDR/PFM/ ("PF" colour, "Pf" gray; width and height; a number whose
sign gives the byte order, negative for little-endian, and whose absolute value is a scale). PGM:
https://netpbm.sourceforge.net/doc/pgm.html. COLMAP: https://colmap.github.io/format.html (dense).
"""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.geometry import Extent
from depthpaint.formats.samples import Samples, bad_shape, check_size, damaged, gray_or_colours, truncated

_PFM = "PFM file"
_PFM_HEADER = re.compile(rb"P([Ff])\s+(-?[0-9]{1,40})\s+(-?[0-9]{1,40})\s+([^\s]{1,40})(\r\n|\s)")
_PFM_HEADER_BYTES = 200


def decode_pfm(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode (H, W) or, for unequal colours, (H, W, 3) of float32; raises DepthError.

    Infinity is kept: the Middlebury stereo sets use it for missing measurements.
    """
    match = _PFM_HEADER.match(data[:_PFM_HEADER_BYTES])
    if match is None:
        if len(data) < _PFM_HEADER_BYTES and not re.search(rb"[^\sPFf0-9.eE+-]", data):
            raise truncated(name, _PFM, "it ends in its header")
        raise damaged(name, _PFM, "its header is not the kind, the size and the scale")
    channels = 3 if match[1] == b"F" else 1
    size = _size(name, _PFM, match[2], match[3], max_pixels)
    scale = _scale(name, match[4])
    offset, expected = match.end(), size.pixels * channels * 4
    if match[5] == b"\r\n" and len(data) - offset == expected - 1:
        # One white-space byte belongs to the header; here the second was the first byte of the numbers.
        offset -= 1
    _require_bytes(name, _PFM, len(data) - offset, expected)
    numbers = np.frombuffer(data, dtype="<f4" if scale < 0 else ">f4", offset=offset)
    values = numbers.reshape(size.height, size.width, channels)[::-1]
    # Readers treat the scale differently (most ignore it, some multiply, some divide), and a depth map is
    # normalised by its own range anyway.
    notes = () if abs(scale) == 1 else (f"the file's scale of {abs(scale):g} is not applied",)
    values = values[..., 0] if channels == 1 else gray_or_colours(values)
    return Samples(values=values, opaque=None, bits=32, notes=notes)


def _scale(name: str, word: bytes) -> float:
    try:
        scale = float(word)
    except ValueError:
        scale = math.nan
    if not math.isfinite(scale) or scale == 0:
        raise damaged(name, _PFM, "its scale, which gives the byte order, is not a nonzero number")
    return scale


def _size(name: str, kind: str, width: bytes, height: bytes, max_pixels: int) -> Extent:
    size = Extent(int(width), int(height))
    if min(size) < 1:
        raise damaged(name, kind, f"its header announces a size of {size.width} x {size.height}")
    check_size(name, size, max_pixels)
    return size


def _require_bytes(name: str, kind: str, held: int, expected: int) -> None:
    if held < expected:
        raise truncated(
            name, kind, f"its header announces {expected:,} bytes of numbers, and it holds {held:,}"
        )
    if held > expected:
        raise damaged(name, kind, f"it holds {held - expected:,} bytes more than its header announces")


_PGM = "PGM picture"
# Comments may stand wherever white space may.
_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_PGM_HEADER = re.compile(
    rb"P([25])" + _GAP + rb"([0-9]{1,40})" + _GAP + rb"([0-9]{1,40})" + _GAP + rb"([0-9]{1,40})"
    rb"(?:#[^\r\n]*[\r\n]|\s)"
)
_PGM_HEADER_BYTES = 10_000
_MOST = 65_535
_COMMENT = re.compile(rb"#[^\r\n]*")


def decode_pgm(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode gray of 8 or 16 bits, in bytes (P5, the high one first) or in text (P2); raises DepthError.

    The numbers are kept as they are, and not stretched from their maximum to the type's.
    """
    head = data[:_PGM_HEADER_BYTES]
    match = _PGM_HEADER.match(head)
    if match is None:
        if len(data) < _PGM_HEADER_BYTES and not re.search(rb"[^\s0-9]", _COMMENT.sub(b"", head[2:])):
            raise truncated(name, _PGM, "it ends in its header")
        raise damaged(name, _PGM, "its header is not the kind, the size and the greatest number")
    size = _size(name, _PGM, match[2], match[3], max_pixels)
    greatest = int(match[4])
    if not 0 < greatest <= _MOST:
        raise damaged(name, _PGM, f"its greatest number is {greatest}, and has to be from 1 to {_MOST}")
    bits = 8 if greatest < 256 else 16
    if match[1] == b"2":
        values = _from_text(name, data[match.end() :], size, greatest)
    else:
        content = data[match.end() :]
        expected = size.pixels * bits // 8
        if len(content) > expected and not content[expected:].strip():
            content = content[:expected]  # some programs end the file with a new line
        _require_bytes(name, _PGM, len(content), expected)
        values = np.frombuffer(content, np.uint8 if bits == 8 else ">u2").reshape(size.height, size.width)
    notes = ()
    if int(values.max()) > greatest:
        notes = (f"some numbers are above the {greatest} that its header announces",)
    return Samples(values=values, opaque=None, bits=bits, notes=notes)


def _from_text(name: str, text: bytes, size: Extent, greatest: int) -> NDArray[np.uint8 | np.uint16]:
    if b"#" in text:
        text = _COMMENT.sub(b"", text)
    if text.translate(None, b"0123456789 \t\r\n\v\f"):
        raise damaged(name, _PGM, "its numbers are not whole numbers in text")
    digits = np.frombuffer(b" " + text, np.uint8) > ord(" ")
    count = int(np.count_nonzero(digits[1:] & ~digits[:-1]))
    if count < size.pixels:
        raise truncated(name, _PGM, f"its header announces {size.pixels:,} numbers, and it holds {count:,}")
    if count > size.pixels:
        raise damaged(name, _PGM, f"it holds {count - size.pixels:,} numbers more than its header announces")
    numbers = np.fromstring(text.decode("ascii"), np.float64, count, sep=" ")
    if float(numbers.max()) > _MOST:
        raise damaged(name, _PGM, f"it holds numbers above {_MOST}")
    dtype = np.uint8 if greatest < 256 and numbers.max() < 256 else np.uint16
    return numbers.astype(dtype).reshape(size.height, size.width)


_COLMAP = "COLMAP map"
_COLMAP_HEADER = re.compile(rb"([0-9]{1,40})&([0-9]{1,40})&([0-9]{1,40})&")
_COLMAP_HEADER_BYTES = 130


def decode_colmap(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode COLMAP's dense depth map, distances (H, W) of float32 with 0 for none; raises DepthError.

    The order is (width, height, channels) by columns, which for one channel is (height, width) by rows.
    """
    match = _COLMAP_HEADER.match(data[:_COLMAP_HEADER_BYTES])
    if match is None:
        raise damaged(name, _COLMAP, "its header is not the width, the height and the channels")
    if int(match[3]) != 1:
        what = f"{int(match[3])} channels, such as COLMAP's normals"
        raise bad_shape(name, what, "give the file of this name in stereo/depth_maps")
    size = _size(name, _COLMAP, match[1], match[2], max_pixels)
    _require_bytes(name, _COLMAP, len(data) - match.end(), size.pixels * 4)
    values = np.frombuffer(data, "<f4", offset=match.end()).reshape(size.height, size.width)
    return Samples(
        values=values, opaque=None, bits=32, quantity="distance", empty=0.0, stated_by="COLMAP's format"
    )
