"""The directories of a TIFF: what is stored under which tag, without believing any of its offsets.

Format: Adobe TIFF 6.0 (1992) with its supplements, and BigTIFF,
https://libtiff.gitlab.io/libtiff/specification/bigtiff.html.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthpaint.inputs.refusal import damaged, too_many, truncated

MAX_PAGES = 1_000
MAX_TAGS = 1_000
MAX_NUMBERS = 1 << 24  # in one tag; a map of the largest size with one row a strip has 32,768

KIND = "TIFF file"
# TIFF's numbers for types of values -> struct's letter. Fractions and floats decide nothing here.
_LETTERS = {
    1: "B",
    2: "c",
    3: "H",
    4: "I",
    6: "b",
    7: "c",
    8: "h",
    9: "i",
    13: "I",
    16: "Q",
    17: "q",
    18: "Q",
}
_SUB_KIND = 254
_REDUCED_OR_MASK = 1 | 4


@dataclass(frozen=True, slots=True)
class TiffDirectory:
    """One page: where the values of each tag lie. `tags` maps a tag to its type, count and offset."""

    name: str
    data: bytes
    order: str
    tags: dict[int, tuple[int, int, int]]

    def numbers(self, tag: int) -> NDArray[np.int64] | None:
        """All whole numbers of a tag, (N,), or None where it is missing; raises DepthError."""
        if tag not in self.tags:
            return None
        kind, count, offset = self.tags[tag]
        letter = _LETTERS.get(kind, "c")
        if letter == "c" or count < 1:
            raise damaged(self.name, KIND, f"its tag {tag} is no number")
        if count > MAX_NUMBERS:
            raise too_many(self.name, f"{count:,} numbers in its tag {tag}", MAX_NUMBERS)
        if offset + count * struct.calcsize(letter) > len(self.data):
            raise truncated(self.name, KIND, f"its tag {tag} lies behind its end")
        stored = np.frombuffer(self.data, np.dtype(f"{self.order}{letter}"), count, offset)
        if letter in "Qq" and (stored.astype(np.uint64) >> np.uint64(62)).any():
            raise damaged(self.name, KIND, f"its tag {tag} is out of all proportion")
        return stored.astype(np.int64)

    def number(self, tag: int, default: int | None = None) -> int:
        """The first number of a tag; raises DepthError, also where it is missing and has no default."""
        found = self.numbers(tag)
        if found is not None:
            return int(found[0])
        if default is None:
            raise damaged(self.name, KIND, f"its tag {tag}, which every picture needs, is missing")
        return default

    def text(self, tag: int) -> str:
        """A text tag up to its first NUL, or "" where there is none."""
        kind, count, offset = self.tags.get(tag, (0, 0, 0))
        if kind != 2:
            return ""
        return self.data[offset : offset + min(count, 1_000)].split(b"\0")[0].decode("latin-1").strip()


def read_tiff_pages(name: str, data: bytes) -> list[TiffDirectory]:
    """Follow the chain of directories, leaving out previews and masks.

    Raises DepthError: depth_truncated, depth_unreadable (a chain that bites its tail), depth_too_large (more
    than MAX_PAGES).
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    if len(data) < (16 if big else 8):
        raise truncated(name, KIND, "it ends in its header")
    if big and struct.unpack_from(f"{order}HH", data, 4) != (8, 0):
        raise damaged(name, KIND, "its header makes no sense")
    (offset,) = struct.unpack_from(f"{order}Q", data, 8) if big else struct.unpack_from(f"{order}I", data, 4)
    pages: list[TiffDirectory] = []
    seen: set[int] = set()
    while offset:
        if offset in seen:
            raise damaged(name, KIND, "its chain of pages bites its tail")
        seen.add(offset)
        if len(seen) > MAX_PAGES:
            raise too_many(name, f"more than {MAX_PAGES:,} pages", MAX_PAGES)
        page, offset = _directory(name, data, order, offset, big)
        if not page.number(_SUB_KIND, 0) & _REDUCED_OR_MASK:
            pages.append(page)
    if not pages:
        raise damaged(name, KIND, "it holds no picture")
    return pages


def _directory(name: str, data: bytes, order: str, offset: int, big: bool) -> tuple[TiffDirectory, int]:
    """One directory and the offset of the next one, 0 for none."""
    count_type, entry_bytes, next_type = ("Q", 20, "Q") if big else ("H", 12, "I")
    start = offset + struct.calcsize(count_type)
    if start > len(data):
        raise truncated(name, KIND, "a page lies behind its end")
    (count,) = struct.unpack_from(f"{order}{count_type}", data, offset)
    if count > MAX_TAGS:
        raise too_many(name, f"a page with {count:,} tags", MAX_TAGS)
    end = start + count * entry_bytes
    if end + struct.calcsize(next_type) > len(data):
        raise truncated(name, KIND, "it ends in a page's list of tags")
    tags: dict[int, tuple[int, int, int]] = {}
    for position in range(start, end, entry_bytes):
        tag, kind = struct.unpack_from(f"{order}HH", data, position)
        (values,) = struct.unpack_from(f"{order}{next_type}", data, position + 4)
        place = position + entry_bytes - struct.calcsize(next_type)
        if values * struct.calcsize(_LETTERS.get(kind, "Q")) > struct.calcsize(next_type):
            (place,) = struct.unpack_from(f"{order}{next_type}", data, place)
        tags.setdefault(tag, (kind, values, place))
    return TiffDirectory(name, data, order, tags), struct.unpack_from(f"{order}{next_type}", data, end)[0]
