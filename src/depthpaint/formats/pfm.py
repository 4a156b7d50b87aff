"""PFM, the portable float map: three header words, then rows of 32-bit floats from the bottom up.

Format: http://www.pauldebevec.com/Research/HDR/PFM/ ("PF" colour, "Pf" gray; width and height; a number whose
sign gives the byte order, negative for little-endian, and whose absolute value is a scale).
"""

from __future__ import annotations

import math
import re

import numpy as np

from depthpaint.core.geometry import Extent
from depthpaint.formats.samples import Samples, check_size, damaged, gray_or_colours, truncated

_KIND = "PFM file"
_HEADER = re.compile(rb"P([Ff])\s+(-?[0-9]{1,40})\s+(-?[0-9]{1,40})\s+([^\s]{1,40})(\r\n|\s)")
_HEADER_BYTES = 200


def decode_pfm(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode (H, W) or, for unequal colours, (H, W, 3) of float32; raises DepthError.

    Infinity is kept: the Middlebury stereo sets use it for missing measurements.
    """
    match = _HEADER.match(data[:_HEADER_BYTES])
    if match is None:
        if len(data) < _HEADER_BYTES and not re.search(rb"[^\sPFf0-9.eE+-]", data):
            raise truncated(name, _KIND, "it ends in its header")
        raise damaged(name, _KIND, "its header is not the kind, the size and the scale")
    channels = 3 if match[1] == b"F" else 1
    width, height = int(match[2]), int(match[3])
    if width < 1 or height < 1:
        raise damaged(name, _KIND, f"its header announces a size of {width} x {height}")
    check_size(name, Extent(width, height), max_pixels)
    scale = _scale(name, match[4])
    offset, expected = match.end(), width * height * channels * 4
    if match[5] == b"\r\n" and len(data) - offset == expected - 1:
        # One white-space byte belongs to the header; here the second was the first byte of the numbers.
        offset -= 1
    held = len(data) - offset
    if held < expected:
        raise truncated(
            name, _KIND, f"its header announces {expected:,} bytes of numbers, and it holds {held:,}"
        )
    if held > expected:
        raise damaged(name, _KIND, f"it holds {held - expected:,} bytes more than its header announces")
    numbers = np.frombuffer(data, dtype="<f4" if scale < 0 else ">f4", offset=offset)
    values = numbers.reshape(height, width, channels)[::-1]
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
        raise damaged(name, _KIND, "its scale, which gives the byte order, is not a nonzero number")
    return scale
