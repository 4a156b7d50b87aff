"""Write OpenEXR files independently of the library and of the reader: any channels, windows and parts."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Window = tuple[int, int, int, int]
Planes = Mapping[str, NDArray[Any]]
KINDS = {"u4": 0, "f2": 1, "f4": 2}
ROWS = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256}


def attribute(name: str, kind: str, content: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(content)) + content


def header(
    planes: Planes,
    data_window: Window,
    display_window: Window | None = None,
    compression: int = 3,
    more: bytes = b"",
    sampling: int = 1,
) -> bytes:
    channels = b"".join(
        name.encode() + b"\0" + struct.pack("<iIii", KINDS[plane.dtype.str[1:]], 0, sampling, sampling)
        for name, plane in sorted(planes.items())
    )
    return b"".join([
        attribute("channels", "chlist", channels + b"\0"),
        attribute("compression", "compression", bytes([compression])),
        attribute("dataWindow", "box2i", struct.pack("<iiii", *data_window)),
        attribute("displayWindow", "box2i", struct.pack("<iiii", *(display_window or data_window))),
        attribute("lineOrder", "lineOrder", b"\0"),
        attribute("pixelAspectRatio", "float", struct.pack("<f", 1)),
        attribute("screenWindowCenter", "v2f", bytes(8)),
        attribute("screenWindowWidth", "float", struct.pack("<f", 1)),
        more,
        b"\0",
    ])  # fmt: skip


def runs(content: bytes) -> bytes:
    """EXR's run lengths, with literals of three and runs of up to 128."""
    out, k = b"", 0
    while k < len(content):
        run = 1
        while run < 128 and content[k : k + run + 1] == content[k : k + 1] * (run + 1):
            run += 1
        if run > 2:
            out, k = out + bytes([run - 1, content[k]]), k + run
        else:
            piece = content[k : k + 3]
            out, k = out + bytes([256 - len(piece)]) + piece, k + len(piece)
    return out


def packed(raw: bytes, compression: int) -> bytes:
    if compression == 0:
        return raw
    halves = raw[0::2] + raw[1::2]
    steps = bytes([halves[0]]) + bytes((b - a + 128) % 256 for a, b in pairwise(halves))
    content = runs(steps) if compression == 1 else zlib.compress(steps)
    return content if len(content) < len(raw) else raw


def chunks(planes: Planes, top: int, compression: int) -> list[bytes]:
    ordered = [plane for _, plane in sorted(planes.items())]
    found: list[bytes] = []
    for start in range(0, len(ordered[0]), ROWS[compression]):
        rows = range(start, min(start + ROWS[compression], len(ordered[0])))
        raw = b"".join(
            plane[row].astype(plane.dtype.newbyteorder("<")).tobytes() for row in rows for plane in ordered
        )
        content = packed(raw, compression)
        found.append(struct.pack("<ii", top + start, len(content)) + content)
    return found


def table(start: int, bodies: Sequence[bytes]) -> bytes:
    places = start + 8 * len(bodies) + np.cumsum([0, *map(len, bodies)])[:-1]
    return places.astype("<u8").tobytes()


def exr(
    planes: Planes,
    *,
    compression: int = 3,
    corner: tuple[int, int] = (0, 0),
    display: Window | None = None,
    more: bytes = b"",
    shuffled: bool = False,
    flags: int = 0,
) -> bytes:
    """One part in rows; `corner` is the data window's left top, `display` left, top, right, bottom."""
    height, width = next(iter(planes.values())).shape
    window = (corner[0], corner[1], corner[0] + width - 1, corner[1] + height - 1)
    head = b"v/1\x01" + struct.pack("<I", 2 | flags) + header(planes, window, display, compression, more)
    bodies = chunks(planes, corner[1], compression)
    if shuffled:
        bodies = bodies[::-1]
    return head + table(len(head), bodies) + b"".join(bodies)


def exr_parts(parts: Mapping[str, Planes], compression: int = 3) -> bytes:
    """A file of several parts, each in rows."""
    head = b"v/1\x01" + struct.pack("<I", 2 | 0x1000)
    bodies: list[bytes] = []
    for number, (name, planes) in enumerate(parts.items()):
        height, width = next(iter(planes.values())).shape
        pieces = chunks(planes, 0, compression)
        more = attribute("name", "string", name.encode()) + attribute("type", "string", b"scanlineimage")
        more += attribute("chunkCount", "int", struct.pack("<i", len(pieces)))
        head += header(planes, (0, 0, width - 1, height - 1), None, compression, more)
        bodies += [struct.pack("<i", number) + piece for piece in pieces]
    head += b"\0"
    return head + table(len(head), bodies) + b"".join(bodies)
