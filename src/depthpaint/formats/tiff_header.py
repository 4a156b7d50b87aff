"""TIFF headers: directories, and a page's description of its pixels, before any is decompressed."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError
from depthpaint.core.geometry import Extent
from depthpaint.formats.samples import (
    BY_NUMPY,
    bad_shape,
    bad_type,
    check_size,
    damaged,
    too_many,
    truncated,
    unsupported,
)

MAX_PAGES = 1_000
MAX_TAGS = 1_000
MAX_NUMBERS = 1 << 24  # in one tag; a map of the largest size with one row a strip has 32,768

KIND = "TIFF file"
# TIFF's numbers for value types -> struct's letter. Fractions and floats are not needed here.
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
_SUB_KIND, _SUB_DIRECTORIES = 254, 330
_REDUCED_OR_MASK, _DEPTH_MAP = 1 | 4, 8
_RAW_PHOTO = (32_803, 34_892)
_SLICES, _TILE_SLICES = 32_997, 32_998


@dataclass(frozen=True, slots=True)
class TiffDirectory:
    """One page: the positions of its tags' values. `tags` maps a tag to its type, count and offset.

    `hidden` pages are below another one, as DNG files have them.
    """

    name: str
    data: bytes
    order: str
    tags: dict[int, tuple[int, int, int]]
    hidden: bool = False

    @property
    def is_depth(self) -> bool:
        """Whether the page states that it is the depth map of another one, as in DNG files."""
        return self.number(_SUB_KIND, 0) == _DEPTH_MAP

    @property
    def slices(self) -> int:
        """How many planes of the same size the page has, one behind the other; raises DepthError."""
        count = self.number(_SLICES, 1)
        if count > MAX_PAGES:
            raise too_many(self.name, f"{count:,} slices", MAX_PAGES)
        return max(1, count)

    def numbers(self, tag: int) -> NDArray[np.int64] | None:
        """All whole numbers of a tag, (N,), or None where it is missing; raises DepthError."""
        if tag not in self.tags:
            return None
        kind, count, offset = self.tags[tag]
        letter = _LETTERS.get(kind, "c")
        if letter == "c" or count < 1:
            raise damaged(self.name, KIND, f"its tag {tag} is not a number")
        if count > MAX_NUMBERS:
            raise too_many(self.name, f"{count:,} numbers in its tag {tag}", MAX_NUMBERS)
        if offset + count * struct.calcsize(letter) > len(self.data):
            raise truncated(self.name, KIND, f"its tag {tag} is beyond its end")
        stored = np.frombuffer(self.data, np.dtype(f"{self.order}{letter}"), count, offset)
        if letter in "Qq" and (stored.astype(np.uint64) >> np.uint64(62)).any():
            raise damaged(self.name, KIND, f"its tag {tag} is too large")
        return stored.astype(np.int64)

    def number(self, tag: int, default: int | None = None) -> int:
        """The first number of a tag; raises DepthError, also where it is missing and has no default."""
        numbers = self.numbers(tag)
        if numbers is not None:
            return int(numbers[0])
        if default is None:
            raise damaged(self.name, KIND, f"its required tag {tag} is missing")
        return default

    def text(self, tag: int) -> str:
        """A text tag up to its first NUL, or "" where there is none."""
        kind, count, offset = self.tags.get(tag, (0, 0, 0))
        if kind != 2:
            return ""
        return self.data[offset : offset + min(count, 1_000)].split(b"\0")[0].decode("latin-1").strip()


def read_tiff_pages(name: str, data: bytes) -> list[TiffDirectory]:
    """Follow the chain of directories, then those below them; depth maps of DNG files come first.

    Previews and masks are left out.

    Raises DepthError: depth_truncated, depth_unreadable (a chain with a loop), depth_too_large (more
    than MAX_PAGES).
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    if len(data) < (16 if big else 8):
        raise truncated(name, KIND, "it ends in its header")
    if big and struct.unpack_from(f"{order}HH", data, 4) != (8, 0):
        raise damaged(name, KIND, "its header is invalid")
    (offset,) = struct.unpack_from(f"{order}Q", data, 8) if big else struct.unpack_from(f"{order}I", data, 4)
    chain: list[TiffDirectory] = []
    visited: set[int] = set()
    while offset:
        if offset in visited:
            raise damaged(name, KIND, "its chain of pages contains a loop")
        visited.add(offset)
        if len(visited) > MAX_PAGES:
            raise too_many(name, f"more than {MAX_PAGES:,} pages", MAX_PAGES)
        page, offset = _directory(name, data, order, offset, big)
        chain.append(page)
    pages = [page for page in chain if not page.number(_SUB_KIND, 0) & _REDUCED_OR_MASK]
    for place in _places_below(chain):
        if place not in visited and len(visited) < MAX_PAGES:
            visited.add(place)
            try:
                page = replace(_directory(name, data, order, place, big)[0], hidden=True)
                if not page.number(_SUB_KIND, 0) & _REDUCED_OR_MASK:
                    pages.append(page)
            except DepthError:
                continue  # a damaged page that no other program shows
    if not pages:
        raise damaged(name, KIND, "it holds no picture")
    return sorted(pages, key=lambda page: not page.is_depth)


def _places_below(chain: list[TiffDirectory]) -> list[int]:
    places: list[int] = []
    for page in chain:
        if _SUB_DIRECTORIES in page.tags:
            count = page.tags[_SUB_DIRECTORIES][1]
            if count > MAX_PAGES:
                raise too_many(page.name, f"{count:,} pages below a page", MAX_PAGES)
            numbers = page.numbers(_SUB_DIRECTORIES)
            places += [] if numbers is None else numbers.tolist()
    return [place for place in places if place > 0]


def _directory(name: str, data: bytes, order: str, offset: int, big: bool) -> tuple[TiffDirectory, int]:
    """One directory and the offset of the next one, 0 for none."""
    count_type, entry_bytes, next_type = ("Q", 20, "Q") if big else ("H", 12, "I")
    start = offset + struct.calcsize(count_type)
    if start > len(data):
        raise truncated(name, KIND, "a page is beyond its end")
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


WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
NONE, LZW, DEFLATE, PACKBITS = 1, 5, 8, 32_773
NO_PREDICTOR, DIFFERENCES, FLOAT_DIFFERENCES = 1, 2, 3

_METHODS = {NONE: NONE, LZW: LZW, DEFLATE: DEFLATE, 32_946: DEFLATE, PACKBITS: PACKBITS}
_OTHER_METHODS = {
    2: "fax", 3: "fax", 4: "fax", 6: "JPEG", 7: "JPEG", 34_712: "JPEG 2000", 34_887: "LERC", 34_925: "LZMA",
    50_000: "Zstandard", 50_001: "WebP", 50_002: "JPEG XL",
}  # fmt: skip
_FORMATS = {1: "u", 2: "i", 3: "f", 4: "u"}
_TYPES = {"u": (8, 16, 32, 64), "i": (8, 16, 32, 64), "f": (16, 32, 64)}
_TILE_SIDE = 16
_ALPHA = (1, 2)
# Tiles extend beyond the edges; if they are much larger than the picture, the file is an attack.
_MAX_OVERHANG = 1 << 24


@dataclass(frozen=True, slots=True)
class TiffHeader:
    """The layout of the numbers in the file.

    `type_name` is numpy's, with the file's byte order, such as ">f4"; `channels` counts all samples a pixel
    has, `alpha` is the place of the opacity among them; `planar` means that each channel is stored by itself.
    A piece is a strip or a tile of `piece` pixels; `offsets` and `lengths` (N,) say where each lies, row by
    row, one plane after the other where `planar`.
    """

    size: Extent
    type_name: str
    channels: int
    alpha: int | None
    photometric: int
    method: int
    predictor: int
    planar: bool
    tiled: bool
    piece: Extent
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @property
    def piece_row_bytes(self) -> int:
        """How many bytes one row of a piece unpacks to."""
        channels = 1 if self.planar else self.channels
        return self.piece.width * channels * np.dtype(self.type_name).itemsize

    @property
    def piece_rows(self) -> list[int]:
        """How many rows each piece has: tiles are whole, a plane's last strip ends with the picture."""
        if self.tiled:
            return [self.piece.height] * len(self.offsets)
        tops = range(0, self.size.height, self.piece.height)
        rows = [min(self.piece.height, self.size.height - top) for top in tops]
        return rows * (self.channels if self.planar else 1)

    @property
    def across(self) -> int:
        """How many pieces lie side by side."""
        return -(-self.size.width // self.piece.width)

    @property
    def down(self) -> int:
        """How many pieces lie one below the other."""
        return -(-self.size.height // self.piece.height)


def read_tiff_header(page: TiffDirectory, max_pixels: int, slice_index: int = 0) -> TiffHeader:
    """Parse a page, or one of its slices, and check it against the file; raises DepthError."""
    size = Extent(page.number(256), page.number(257))
    if min(size) < 1:
        raise damaged(page.name, KIND, f"its header announces a size of {size}")
    check_size(page.name, size, max_pixels)
    channels = page.number(277, 1)
    if page.number(262, BLACK_IS_ZERO) in _RAW_PHOTO:
        remedy = "develop it with a photo program, and use --from-photo for the picture's depth"
        raise unsupported(page.name, "a camera's raw photo (DNG), which holds no depth map", remedy)
    photometric, alpha = _colours(page, channels)
    type_name = _number_type(page, channels)
    if photometric == PALETTE and type_name[1:] not in ("u1", "u2"):
        raise damaged(page.name, KIND, "its palette does not match its numbers")
    method = page.number(259, 1)
    if method not in _METHODS:
        what = _OTHER_METHODS.get(method, f"method {method}")
        raise unsupported(
            page.name, f"a TIFF packed with {what}", "save it with LZW, Deflate or no compression"
        )
    predictor = page.number(317, 1) if _METHODS[method] in (LZW, DEFLATE) else NO_PREDICTOR
    fits = type_name[1] == "f" if predictor == FLOAT_DIFFERENCES else predictor in (NO_PREDICTOR, DIFFERENCES)
    if not fits or page.number(266, 1) != 1:
        raise unsupported(page.name, "a TIFF with an unusual order of bits or predictor", BY_NUMPY)
    planar = page.number(284, 1) == 2 and channels > 1
    piece, offsets, lengths = _pieces(page, size, channels if planar else 1, slice_index)
    if ((offsets < 0) | (lengths < 0)).any():
        raise damaged(page.name, KIND, "it has no pixels")
    if (offsets + lengths > len(page.data)).any():
        raise truncated(page.name, KIND)
    # Pieces must not share bytes: decompressed, a small file of them would fill any memory.
    if int(lengths.sum()) > len(page.data):
        raise damaged(page.name, KIND, "its strips or tiles overlap")
    return TiffHeader(
        size, type_name, channels, alpha, photometric, _METHODS[method], predictor, planar, 322 in page.tags,
        piece, offsets, lengths,
    )  # fmt: skip


def _colours(page: TiffDirectory, channels: int) -> tuple[int, int | None]:
    """The meaning of the channels: the photometric number, and the index of opacity."""
    photometric = page.number(262, BLACK_IS_ZERO)
    if photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE):
        raise bad_shape(page.name, "colours that are neither gray nor RGB", "save the depth as gray")
    extra = page.numbers(338)
    has_alpha = channels in (2, 4) and extra is not None and int(extra[-1]) in _ALPHA
    colours = channels - has_alpha
    # Programs for arrays store three channels as gray with two more.
    if (
        colours not in (1, 3)
        or (photometric == RGB and colours != 3)
        or (photometric == PALETTE and colours > 1)
    ):
        raise bad_shape(page.name, f"{channels} channels", "save the depth alone, as one channel")
    return photometric, channels - 1 if has_alpha else None


def _number_type(page: TiffDirectory, channels: int) -> str:
    bits, formats = page.numbers(258), page.numbers(339)
    depths = {1} if bits is None else set(bits[:channels].tolist())
    kinds = {1} if formats is None else set(formats[:channels].tolist())
    depth, kind = depths.pop(), _FORMATS.get(kinds.pop(), "?")
    if depths or kinds or depth not in _TYPES.get(kind, ()):
        words = {"u": "integers", "i": "signed integers", "f": "floats"}.get(kind, "complex numbers")
        raise bad_type(page.name, f"{words} of {depth} bits, or several types at once")
    return f"{page.order}{kind}{depth // 8}"


def _pieces(
    page: TiffDirectory, size: Extent, planes: int, slice_index: int
) -> tuple[Extent, NDArray[np.int64], NDArray[np.int64]]:
    """The size of a strip or tile, and the position of each."""
    if 322 in page.tags:
        piece = Extent(page.number(322), page.number(323))
        if min(piece) < 1 or piece.width % _TILE_SIDE or piece.height % _TILE_SIDE:
            raise damaged(page.name, KIND, f"its tiles have an impossible size of {piece}")
        # Some programs list tiles as if they were strips.
        places, sizes = (324, 325) if 324 in page.tags else (273, 279)
        offsets, lengths = page.numbers(places), page.numbers(sizes)
    else:
        # Missing, or the largest possible number: all rows in one strip.
        rows = page.number(278, size.height)
        piece = Extent(size.width, min(rows, size.height))
        if piece.height < 1:
            raise damaged(page.name, KIND, "its strips have no rows")
        offsets, lengths = page.numbers(273), page.numbers(279)
    across, down = -(-size.width // piece.width), -(-size.height // piece.height)
    if across * piece.width * down * piece.height > 2 * size.pixels + _MAX_OVERHANG:
        raise damaged(page.name, KIND, f"its tiles of {piece} do not match its size of {size}")
    if page.slices > 1 and (planes > 1 or page.number(_TILE_SLICES, 1) > 1):
        raise unsupported(page.name, "a TIFF with slices in blocks or channels", "save each slice as a page")
    expected = across * down * planes
    first, last = slice_index * expected, (slice_index + 1) * expected
    if offsets is None or lengths is None or len(offsets) < last or len(lengths) < last:
        raise damaged(page.name, KIND, "it does not state the position of all of its pixels")
    return piece, offsets[first:last], lengths[first:last]
