"""OpenEXR headers: attributes, channels and windows, before any pixel is decompressed."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from depthpaint.core.geometry import Extent
from depthpaint.formats.samples import BY_NUMPY, check_size, damaged, too_many, truncated, unsupported

MAX_ATTRIBUTES = 1_000
MAX_HEADER_BYTES = 16 << 20

KIND = "OpenEXR file"


def read_attributes(name: str, data: bytes, position: int) -> tuple[dict[str, tuple[str, bytes]], int]:
    """Name -> type and content, up to the NUL that ends a header; and the position after it."""
    entries: dict[str, tuple[str, bytes]] = {}
    while True:
        key, position = read_word(name, data, position)
        if not key:
            return entries, position
        kind, position = read_word(name, data, position)
        if position + 4 > len(data):
            raise truncated(name, KIND, "it ends in its header")
        (length,) = struct.unpack_from("<i", data, position)
        end = position + 4 + length
        if length < 0:
            raise damaged(name, KIND, "its header is invalid")
        if end > len(data):
            raise truncated(name, KIND, "it ends in its header")
        if len(entries) >= MAX_ATTRIBUTES or end > MAX_HEADER_BYTES:
            raise too_many(name, f"a header of more than {MAX_ATTRIBUTES:,} entries", MAX_ATTRIBUTES)
        entries.setdefault(key, (kind, data[position + 4 : end]))
        position = end


def read_word(name: str, data: bytes, position: int) -> tuple[str, int]:
    """A text up to its NUL; names have at most 255 bytes."""
    end = data.find(b"\0", position, position + 256)
    if end < 0:
        if position + 256 >= len(data):
            raise truncated(name, KIND, "it ends in its header")
        raise damaged(name, KIND, "its header is invalid")
    return data[position:end].decode("utf-8", errors="replace"), end + 1


MAX_PARTS, MAX_CHANNELS = 256, 4_096

TYPES = ("<u4", "<f2", "<f4")
"""numpy's names of EXR's number types, at EXR's index."""
ROWS = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256}
"""Rows per chunk by compression: none, RLE, ZIPS, ZIP, PIZ, PXR24, B44, B44A, DWAA, DWAB."""

_TILED, _LONG_NAMES, _DEEP, _MULTI_PART = 0x200, 0x400, 0x800, 0x1000
_HEAD = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels, all four sides inclusive; any may be negative."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> Extent:
        """Width and height."""
        return Extent(self.right - self.left + 1, self.bottom - self.top + 1)


@dataclass(frozen=True, slots=True)
class ExrChannel:
    """A channel: `type_name` is numpy's, `sampling` the pixels per number, in x and y."""

    name: str
    type_name: str
    sampling: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ExrPart:
    """One part of the file; a single-part file has one without a name."""

    name: str
    channels: tuple[ExrChannel, ...]
    compression: int
    data_window: Box
    display_window: Box
    tiled: bool
    chunk_count: int


@dataclass(frozen=True, slots=True)
class ExrHeader:
    """All parts, and the positions of their chunk tables."""

    parts: tuple[ExrPart, ...]
    multi_part: bool
    offset: int


def read_exr_header(name: str, data: bytes) -> ExrHeader:
    """Parse the header; raises DepthError, also for deep data and for unknown compressions.

    Sizes are checked by `check_windows`, for the chosen part.
    """
    if len(data) < _HEAD:
        raise truncated(name, KIND, "it ends in its header")
    (version,) = struct.unpack_from("<I", data, 4)
    if version & 0xFF != 2 or version & ~(0xFF | _TILED | _LONG_NAMES | _DEEP | _MULTI_PART):
        raise unsupported(name, "an OpenEXR file of an unknown version", BY_NUMPY)
    if version & _DEEP:
        raise _deep(name)
    multi_part = bool(version & _MULTI_PART)
    parts: list[ExrPart] = []
    position = _HEAD
    while True:
        attributes, position = read_attributes(name, data, position)
        if multi_part and not attributes:
            break
        parts.append(_part(name, attributes, multi_part, bool(version & _TILED)))
        if not multi_part:
            break
        if len(parts) > MAX_PARTS:
            raise too_many(name, f"more than {MAX_PARTS} parts", MAX_PARTS)
    if not parts:
        raise damaged(name, KIND, "it has no part")
    return ExrHeader(tuple(parts), multi_part, position)


def check_windows(name: str, part: ExrPart, max_pixels: int) -> None:
    """Raise DepthError unless both windows of a part have an allowed size."""
    for window in (part.data_window, part.display_window):
        if min(window.size) < 1:
            raise damaged(name, KIND, "its windows have negative sizes")
        check_size(name, window.size, max_pixels)


def _part(
    name: str, attributes: dict[str, tuple[str, bytes]], multi_part: bool, flagged_tiled: bool
) -> ExrPart:
    def content(key: str, kind: str, length: int | None = None) -> bytes:
        value_type, value = attributes.get(key, ("", b""))
        if value_type != kind or (length is not None and len(value) != length):
            raise damaged(name, KIND, f"its header lacks a valid attribute {key}")
        return value

    form = attributes.get("type", ("", b""))[1].decode("latin-1")
    if form.startswith("deep"):
        raise _deep(name)
    if form not in ("", "scanlineimage", "tiledimage"):
        raise unsupported(name, "an OpenEXR file of an unknown kind", BY_NUMPY)
    compression = content("compression", "compression", 1)[0]
    if compression not in ROWS:
        raise unsupported(
            name, f"an OpenEXR file with compression {compression}", "save it with ZIP compression"
        )
    data_window, display_window = (
        Box(*struct.unpack("<iiii", content(key, "box2i", 16))) for key in ("dataWindow", "displayWindow")
    )
    tiled = form == "tiledimage" or (flagged_tiled and not multi_part)
    count = -(-max(data_window.size.height, 0) // ROWS[compression])
    return ExrPart(
        name=attributes.get("name", ("", b""))[1].decode("utf-8", errors="replace"),
        channels=_channels(name, content("channels", "chlist")),
        compression=compression,
        data_window=data_window,
        display_window=display_window,
        tiled=tiled,
        # The chunk count follows from the windows for rows only; a multi-part file has to state it.
        chunk_count=struct.unpack("<i", content("chunkCount", "int", 4))[0] if multi_part else count,
    )


def _channels(name: str, content: bytes) -> tuple[ExrChannel, ...]:
    channels: list[ExrChannel] = []
    position = 0
    while True:
        word, position = read_word(name, content, position)
        if not word:
            return tuple(channels)
        if position + 16 > len(content):
            raise damaged(name, KIND, "its list of channels is cut")
        kind, _, across, down = struct.unpack_from("<iIii", content, position)
        if not 0 <= kind < len(TYPES) or across < 1 or down < 1:
            raise damaged(name, KIND, "its list of channels is invalid")
        channels.append(ExrChannel(word, TYPES[kind], (across, down)))
        position += 16
        if len(channels) > MAX_CHANNELS:
            raise too_many(name, f"more than {MAX_CHANNELS:,} channels", MAX_CHANNELS)


def _deep(name: str) -> Exception:
    return unsupported(
        name, "a deep OpenEXR file, with several depths per pixel", "flatten it to one depth per pixel"
    )
