"""A TIFF's numbers, as they are stored: integers of 8 to 64 bits, floats of 16 to 64, gray or colours.

Strips or tiles; no compression, LZW, Deflate or PackBits; all predictors; both byte orders; BigTIFF.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.formats.planes import UPRIGHT_NOTE, gray_or_colours, upright
from depthpaint.depth.formats.samples import Samples
from depthpaint.depth.formats.tiff_pieces import read_tiff_numbers
from depthpaint.inputs.orientation import UPRIGHT
from depthpaint.inputs.refusal import damaged
from depthpaint.inputs.tiff_directory import KIND, TiffDirectory, read_tiff_pages
from depthpaint.inputs.tiff_header import PALETTE, WHITE_IS_ZERO, TiffHeader, read_tiff_header

_ORIENTATION, _COLOUR_MAP, _GDAL_NODATA = 274, 320, 42_113


def decode_tiff(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode the first page; a pixel is opaque from half of full opacity on. Raises DepthError.

    GDAL's nodata value becomes `empty`, as a number of the map's own type. "White is zero" turns integers
    round, and is passed over with floats, which have no highest value.
    """
    pages = read_tiff_pages(name, data)
    page = pages[0]
    header = read_tiff_header(page, max_pixels)
    numbers = read_tiff_numbers(name, data, header)
    notes = [f"the file has {len(pages)} pages; the first is used"] if len(pages) > 1 else []
    opaque = None
    if header.alpha is not None:
        opacity, numbers = numbers[..., header.alpha], numbers[..., : header.alpha]
        whole = 1.0 if opacity.dtype.kind == "f" else float(np.iinfo(opacity.dtype).max)
        opaque = opacity >= whole / 2
    values = numbers[..., 0] if numbers.shape[2] == 1 else gray_or_colours(numbers)
    empty = _empty(page, values.dtype)
    if header.photometric == WHITE_IS_ZERO:
        if values.dtype.kind == "f":
            notes.append("the file says that zero is white, which means nothing for floats")
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
        values=values, opaque=opaque, bits=numbers.dtype.itemsize * 8, notes=tuple(notes), empty=empty
    )


def _empty(page: TiffDirectory, dtype: np.dtype[Any]) -> float | None:
    """GDAL's nodata, written as text; None too where no number of this type can equal it, and for NaN."""
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
