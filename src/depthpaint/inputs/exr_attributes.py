"""The entries of an OpenEXR header: a name, a type, a length and a content each, up to an empty name.

Format: https://openexr.com/en/latest/OpenEXRFileLayout.html.
"""

from __future__ import annotations

import struct

from depthpaint.inputs.refusal import damaged, too_many, truncated

MAX_ATTRIBUTES = 1_000
MAX_HEADER_BYTES = 16 << 20

KIND = "OpenEXR file"


def read_attributes(name: str, data: bytes, position: int) -> tuple[dict[str, tuple[str, bytes]], int]:
    """Name -> type and content, up to the NUL that ends a header; and the position behind that."""
    found: dict[str, tuple[str, bytes]] = {}
    while True:
        key, position = read_word(name, data, position)
        if not key:
            return found, position
        kind, position = read_word(name, data, position)
        if position + 4 > len(data):
            raise truncated(name, KIND, "it ends in its header")
        (length,) = struct.unpack_from("<i", data, position)
        end = position + 4 + length
        if length < 0:
            raise damaged(name, KIND, "its header makes no sense")
        if end > len(data):
            raise truncated(name, KIND, "it ends in its header")
        if len(found) >= MAX_ATTRIBUTES or end > MAX_HEADER_BYTES:
            raise too_many(name, f"a header of more than {MAX_ATTRIBUTES:,} entries", MAX_ATTRIBUTES)
        found.setdefault(key, (kind, data[position + 4 : end]))
        position = end


def read_word(name: str, data: bytes, position: int) -> tuple[str, int]:
    """A text up to its NUL; names have at most 255 bytes."""
    end = data.find(b"\0", position, position + 256)
    if end < 0:
        if position + 256 >= len(data):
            raise truncated(name, KIND, "it ends in its header")
        raise damaged(name, KIND, "its header makes no sense")
    return data[position:end].decode("utf-8", errors="replace"), end + 1
