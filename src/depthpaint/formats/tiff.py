"""TIFF pixels: decompress strips and tiles, and assemble the numbers as stored."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError
from depthpaint.formats.foreign import decoded_elsewhere
from depthpaint.formats.samples import (
    UPRIGHT,
    UPRIGHT_NOTE,
    Samples,
    damaged,
    frame_place,
    gray_or_colours,
    too_many,
    upright,
)
from depthpaint.formats.tiff_header import (
    DEFLATE,
    DIFFERENCES,
    FLOAT_DIFFERENCES,
    KIND,
    MAX_PAGES,
    NONE,
    PACKBITS,
    PALETTE,
    WHITE_IS_ZERO,
    TiffDirectory,
    TiffHeader,
    read_tiff_header,
    read_tiff_pages,
)


def read_tiff_numbers(name: str, data: bytes, header: TiffHeader) -> NDArray[Any]:
    """Return (H, W, C) in the machine's byte order; raises DepthError (depth_unreadable)."""
    dtype = np.dtype(header.type_name)
    each = 1 if header.planar else header.channels
    numbers = np.empty((header.size.height, header.size.width, header.channels), dtype.newbyteorder("="))
    across, down = header.across, header.down
    for k, content in enumerate(_unpacked(name, data, header)):
        plane, place = divmod(k, across * down)
        top, left = place // across * header.piece.height, place % across * header.piece.width
        shape = (len(content) // (header.piece.width * each * dtype.itemsize), header.piece.width, each)
        # Tiles extend beyond the right and the lower edge.
        target = numbers[top : top + shape[0], left : left + shape[1], plane * each : (plane + 1) * each]
        target[:] = _summed(content, shape, dtype, header.predictor)[: target.shape[0], : target.shape[1]]
    return numbers


def _summed(
    content: bytes, shape: tuple[int, int, int], dtype: np.dtype[Any], predictor: int
) -> NDArray[Any]:
    """Numbers (rows, columns, channels) of the decompressed bytes of one piece."""
    rows, columns, channels = shape
    if predictor == FLOAT_DIFFERENCES:
        # Bytes are differenced; then the high bytes of all numbers of a row come first, whatever the order.
        steps = np.frombuffer(content, np.uint8).reshape(rows, columns * dtype.itemsize, channels)
        parts = np.add.accumulate(steps, axis=1, dtype=np.uint8)
        parts = parts.reshape(rows, dtype.itemsize, columns * channels).swapaxes(1, 2)
        return np.ascontiguousarray(parts).view(dtype.newbyteorder(">")).reshape(shape)
    numbers = np.frombuffer(content, dtype).reshape(shape)
    if predictor != DIFFERENCES:
        return numbers
    # Differences wrap around, and floats are differenced as if they were integers.
    whole = np.dtype(f"u{dtype.itemsize}")
    steps = numbers.view(whole.newbyteorder(dtype.byteorder)).astype(whole)
    return np.add.accumulate(steps, axis=1, dtype=whole).view(dtype.newbyteorder("="))


def _unpacked(name: str, data: bytes, header: TiffHeader) -> Iterator[bytes]:
    """The bytes of each piece in turn, exactly as many as it should have."""
    expected = [rows * header.piece_row_bytes for rows in header.piece_rows]
    if header.method in _UNPACKERS:
        for k, length in enumerate(expected):
            start = int(header.offsets[k])
            try:
                content = _UNPACKERS[header.method](data[start : start + int(header.lengths[k])], length)
            except zlib.error as error:
                raise _short(name) from error
            if len(content) < length:
                raise _short(name)
            yield content
        return
    for first, last in _runs(expected):
        content = _by_libtiff(name, data, header, first, last, sum(expected[first:last]))
        start = 0
        for length in expected[first:last]:
            yield content[start : start + length]
            start += length


def _plain(packed: bytes, length: int) -> bytes:
    return packed[:length]


def _inflated(packed: bytes, length: int) -> bytes:
    return zlib.decompressobj().decompress(packed, length)


def _unrolled(packed: bytes, length: int) -> bytes:
    """PackBits: a count less one of literal bytes, or 257 less the count of repeats of the next byte."""
    out = bytearray()
    position = 0
    while position + 1 < len(packed) and len(out) < length:
        count = packed[position]
        if count < 128:
            out += packed[position + 1 : position + 2 + count]
            position += 2 + count
        else:
            if count > 128:
                out += packed[position + 1 : position + 2] * (257 - count)
            # 128 has no meaning, and no byte after it.
            position += 2 if count > 128 else 1
    return bytes(out[:length])


_UNPACKERS = {NONE: _plain, DEFLATE: _inflated, PACKBITS: _unrolled}


def _runs(expected: list[int]) -> Iterator[tuple[int, int]]:
    """Runs of pieces, from first to before last, that make one picture: only its last may be shorter."""
    first = 0
    for k, length in enumerate(expected):
        if k + 1 == len(expected) or length < expected[first]:
            yield first, k + 1
            first = k + 1


def _by_libtiff(name: str, data: bytes, header: TiffHeader, first: int, last: int, length: int) -> bytes:
    """Unpack a run of pieces as the strips of a gray picture of bytes."""
    width = header.piece_row_bytes
    ends = (header.offsets + header.lengths)[first:last].tolist()
    packed = [data[start:end] for start, end in zip(header.offsets[first:last].tolist(), ends, strict=True)]
    count, place = len(packed), 8 + 2 + 9 * 12 + 4
    starts = place + 8 * count + np.cumsum([0, *map(len, packed)])[:-1]
    where, sizes = (place, place + 4 * count) if count > 1 else (int(starts[0]), len(packed[0]))
    entries = (
        (256, 1, width), (257, 1, length // width), (258, 1, 8), (259, 1, header.method), (262, 1, 1),
        (273, count, where), (277, 1, 1), (278, 1, header.piece_rows[first]), (279, count, sizes),
    )  # fmt: skip
    parts = [b"II*\0\x08\0\0\0", struct.pack("<H", len(entries))]
    parts += [struct.pack("<HHII", tag, 4, number, value) for tag, number, value in entries]
    parts += [bytes(4), struct.pack(f"<{count}I", *starts), struct.pack(f"<{count}I", *map(len, packed))]
    _, contents = decoded_elsewhere(name, b"".join(parts + packed), "tiff", {}, length)
    if [len(content) for content in contents] != [length]:
        raise _short(name)
    return contents[0]


def _short(name: str) -> DepthError:
    return damaged(name, KIND, "its pixels cannot be unpacked")


_ORIENTATION, _COLOUR_MAP, _GDAL_NODATA = 274, 320, 42_113


def decode_tiff(name: str, data: bytes, frame: int | None, max_pixels: int) -> Samples:
    """Decode one page or slice, the first by default. Raises DepthError.

    A pixel is opaque from half of full opacity on.

    GDAL's nodata value becomes `empty`, as a number of the map's own type. "White is zero" inverts integers;
    it is ignored for floats, which have no highest value.
    """
    page, slice_index, notes = _page(name, read_tiff_pages(name, data), frame)
    header = read_tiff_header(page, max_pixels, slice_index)
    numbers = read_tiff_numbers(name, data, header)
    opaque = None
    if header.alpha is not None:
        opacity, numbers = numbers[..., header.alpha], numbers[..., : header.alpha]
        whole = 1.0 if opacity.dtype.kind == "f" else float(np.iinfo(opacity.dtype).max)
        opaque = opacity >= whole / 2
    values = numbers[..., 0] if numbers.shape[2] == 1 else gray_or_colours(numbers)
    empty = _empty(page, values.dtype)
    if header.photometric == WHITE_IS_ZERO:
        if values.dtype.kind == "f":
            notes.append("the tag that zero is white is ignored for floats")
        else:
            values, empty = ~values, None if empty is None else float(~values.dtype.type(int(empty)))
    if header.photometric == PALETTE:
        values, empty = gray_or_colours(_from_palette(name, page, header, values)), None
    orientation = page.number(_ORIENTATION, UPRIGHT)
    if 1 < orientation <= 8:
        notes.append(UPRIGHT_NOTE)
        values = upright(values, orientation)
        opaque = None if opaque is None else upright(opaque, orientation)
    return Samples(
        values=values, opaque=opaque, bits=numbers.dtype.itemsize * 8, notes=tuple(notes), empty=empty,
        hidden=page.is_depth,
    )  # fmt: skip


def _page(name: str, pages: list[TiffDirectory], frame: int | None) -> tuple[TiffDirectory, int, list[str]]:
    """The page for a frame, which of its slices, and notes."""
    if sum(page.slices for page in pages) > MAX_PAGES:
        raise too_many(name, f"more than {MAX_PAGES:,} slices", MAX_PAGES)
    slices = [(page, k) for page in pages for k in range(page.slices)]
    what = "pages" if len(slices) == len(pages) else "slices"
    place = frame_place(name, frame, len(slices), what)
    page, slice_index = slices[place]
    notes: list[str] = []
    if page.is_depth:
        notes.append("the depth map inside the picture is used, not the picture itself")
    if len(slices) > 1:
        which = "the first is used" if frame is None else f"number {place}, counted from 0, is used"
        notes.append(f"the file has {len(slices)} {what}; {which} (--frame-index selects another)")
    below = sum(page.hidden for page in pages)
    if below:
        notes.append(f"pages that lie below another one (SubIFDs, as in DNG files): {below}")
    return page, slice_index, notes


def _empty(page: TiffDirectory, dtype: np.dtype[Any]) -> float | None:
    """GDAL's nodata, written as text; None also if no number of this type can equal it, and for NaN."""
    try:
        number = float(page.text(_GDAL_NODATA))
    except ValueError:
        return None
    if math.isnan(number):
        return None
    if dtype.kind == "f":
        # GDAL writes a double; what is stored is rounded to the map's own precision.
        with np.errstate(over="ignore"):
            return float(np.float64(number).astype(dtype))
    limits = np.iinfo(dtype)
    return number if number.is_integer() and limits.min <= number <= limits.max else None


def _from_palette(
    name: str, page: TiffDirectory, header: TiffHeader, indices: NDArray[Any]
) -> NDArray[np.uint8]:
    """Colours (H, W, 3) of 8 bits: the file has 16, all reds first."""
    colours = page.numbers(_COLOUR_MAP)
    entries = 1 << (8 * np.dtype(header.type_name).itemsize)
    if colours is None or len(colours) != 3 * entries:
        raise damaged(name, KIND, "its palette is incomplete")
    table = np.ascontiguousarray(colours.reshape(3, entries).T)
    # Some programs wrote bytes where 16 bits belong.
    return (table >> 8 if int(table.max()) > 255 else table).astype(np.uint8)[indices]
