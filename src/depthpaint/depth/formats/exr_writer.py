"""Write depth as the plainest OpenEXR there is: one float32 channel "Z" in whole rows, packed with ZIP.

Layout (https://openexr.com/en/latest/OpenEXRFileLayout.html): magic and version; attributes, each a name, a
type, a length and a content; a NUL; a table of offsets; and at each of these a chunk of 16 rows: its first
row, its length, its bytes. All numbers are little-endian.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_ROWS = 16
_FLOAT, _ZIP, _INCREASING_Y = 2, 3, 0


def write_exr_depth(values: NDArray[np.float32]) -> bytes:
    """Return an OpenEXR file with `values` (H, W) as the channel "Z", exactly; NaN and infinity stay."""
    height, width = values.shape
    window = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    channel = b"Z\0" + struct.pack("<iIii", _FLOAT, 0, 1, 1) + b"\0"
    header = b"v/1\x01" + struct.pack("<I", 2)
    header += b"".join([
        _attribute("channels", "chlist", channel),
        _attribute("compression", "compression", bytes([_ZIP])),
        _attribute("dataWindow", "box2i", window),
        _attribute("displayWindow", "box2i", window),
        _attribute("lineOrder", "lineOrder", bytes([_INCREASING_Y])),
        _attribute("pixelAspectRatio", "float", struct.pack("<f", 1)),
        _attribute("screenWindowCenter", "v2f", struct.pack("<ff", 0, 0)),
        _attribute("screenWindowWidth", "float", struct.pack("<f", 1)),
        b"\0",
    ])  # fmt: skip
    chunks = [_chunk(top, values[top : top + _ROWS]) for top in range(0, height, _ROWS)]
    offsets = len(header) + 8 * len(chunks) + np.cumsum([0, *map(len, chunks)])[:-1]
    return b"".join([header, offsets.astype("<u8").tobytes(), *chunks])


def _attribute(name: str, kind: str, content: bytes) -> bytes:
    return f"{name}\0{kind}\0".encode() + struct.pack("<i", len(content)) + content


def _chunk(top: int, rows: NDArray[np.float32]) -> bytes:
    raw = rows.astype("<f4").tobytes()
    # Even bytes first, then odd ones, so that bytes alike stand together; then what each adds to the one
    # before.
    single = np.frombuffer(raw, np.uint8)
    mixed = np.concatenate([single[0::2], single[1::2]])
    mixed[1:] = mixed[1:] - mixed[:-1] + np.uint8(128)
    packed = zlib.compress(mixed.tobytes())
    # Readers tell by the length that a chunk which would have grown is stored as it is.
    content = packed if len(packed) < len(raw) else raw
    return struct.pack("<ii", top, len(content)) + content
