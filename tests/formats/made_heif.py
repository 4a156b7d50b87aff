"""A HEIC portrait: two pictures written by libheif, of which the second is then called the first one's depth.

libheif writes no auxiliary depth; ISO/IEC 23008-12 wants three things for it: a property "auxC" that says so,
a line in "ipma" that gives it to the second item, and a reference "auxl" from the second item to the first.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    position = 0
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        found.append((kind, data[position + 8 : position + length]))
        position += length
    return found


def heic(*pictures: NDArray[np.uint8]) -> bytes:
    library: Any = __import__("pillow_heif")
    file = library.HeifFile()
    for picture in pictures:
        file.add_from_pillow(Image.fromarray(picture))
    stream = BytesIO()
    file.save(stream, quality=95, chroma=444)
    return stream.getvalue()


def portrait(picture: NDArray[np.uint8], depth: NDArray[np.uint8]) -> bytes:
    parts = boxes(heic(picture, depth))
    meta = next(content for kind, content in parts if kind == b"meta")
    inner = boxes(meta[4:])
    names = [kind for kind, _ in inner]
    assert names.count(b"iref") == 0
    first, second = item_numbers(dict(inner)[b"iinf"])
    auxiliary = box(b"auxC", bytes(4) + b"urn:mpeg:hevc:2015:auxid:2\0")
    properties = dict(boxes(dict(inner)[b"iprp"]))
    number = len(boxes(properties[b"ipco"])) + 1
    changed = box(b"ipco", properties[b"ipco"] + auxiliary) + box(
        b"ipma", with_property(properties[b"ipma"], second, number)
    )
    reference = box(b"iref", bytes(4) + box(b"auxl", struct.pack(">HHH", second, 1, first)))
    grown, content = 0, b""
    for _ in range(2):  # places count from the file's beginning, so that first the growth has to be known
        content = b""
        for kind, value in inner:
            if kind == b"iprp":
                content += box(kind, changed)
            elif kind == b"iloc":
                content += box(kind, moved(value, grown))
            else:
                content += box(kind, value)
        grown = len(content + reference) - (len(meta) - 4)
    meta = meta[:4] + content + reference
    return b"".join(box(kind, meta if kind == b"meta" else value) for kind, value in parts)


def item_numbers(iinf: bytes) -> list[int]:
    return [struct.unpack_from(">H", value, 4)[0] for kind, value in boxes(iinf[6:]) if kind == b"infe"]


def with_property(ipma: bytes, item: int, number: int) -> bytes:
    """Add an association; version 0, one byte each."""
    assert ipma[:4] == bytes(4)
    (count,) = struct.unpack_from(">I", ipma, 4)
    out, position = ipma[:8], 8
    for _ in range(count):
        which, associations = struct.unpack_from(">HB", ipma, position)
        rest = ipma[position + 3 : position + 3 + associations]
        position += 3 + associations
        if which == item:
            rest += bytes([0x80 | number])
        out += struct.pack(">HB", which, len(rest)) + rest
    return out


def moved(iloc: bytes, by: int) -> bytes:
    """Move everything; version 0, with a base for each item, as libheif writes it."""
    assert (iloc[0], iloc[4:6]) == (0, b"\x44\x40")
    (count,) = struct.unpack_from(">H", iloc, 6)
    out, position = iloc[:8], 8
    for _ in range(count):
        item, source, base, extents = struct.unpack_from(">HHIH", iloc, position)
        end = position + 10 + 8 * extents
        out += struct.pack(">HHIH", item, source, base + by, extents) + iloc[position + 10 : end]
        position = end
    return out
