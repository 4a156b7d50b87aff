"""A PNG's numbers, as they are stored: all of their bits, no gamma, no colour management."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from depthpaint.depth.formats.planes import UPRIGHT_NOTE, gray_or_colours, upright
from depthpaint.depth.formats.samples import Samples
from depthpaint.inputs.orientation import UPRIGHT, orientation_of
from depthpaint.inputs.png_chunks import PngContent, read_png_content
from depthpaint.inputs.png_header import GRAY, GRAY_ALPHA, PALETTE, RGB, RGB_ALPHA, damaged

Numbers = NDArray[Any]


def decode_png(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode any kind of PNG: gray, colour or palette, 1 to 16 bits, with or without transparency.

    The picture comes upright, an animation as its first frame. A pixel is opaque from half of full opacity
    on. Raises DepthError.
    """
    content = read_png_content(name, data, max_pixels)
    planes = _wide(name, content) if content.header.bits == 16 else _narrow(name, content)
    values, opaque = _split(name, content, planes)
    notes: list[str] = []
    if content.frames > 1:
        notes.append(f"the file is an animation of {content.frames} frames; the first is used")
    orientation = orientation_of(content.exif)
    if orientation != UPRIGHT:
        notes.append(UPRIGHT_NOTE)
        values = upright(values, orientation)
        opaque = None if opaque is None else upright(opaque, orientation)
    if values.ndim == 3:
        values = gray_or_colours(values)
    return Samples(values=values, opaque=opaque, bits=content.header.bits, notes=tuple(notes))


def _narrow(name: str, content: PngContent) -> Numbers:
    """Up to 8 bits: (H, W) or (H, W, C) of uint8, gray scaled to 0..255, a palette as indices."""
    planes = np.asarray(_opened(name, content.rebuilt()))
    return np.where(planes, np.uint8(255), np.uint8(0)) if planes.dtype == np.bool_ else planes


def _wide(name: str, content: PngContent) -> Numbers:
    """16 bits: (H, W) or (H, W, C) of uint16. Pillow alone would drop the low bytes of all but plain gray."""
    header = content.header
    if header.colour_type == GRAY:
        return np.asarray(_opened(name, content.rebuilt()))
    if header.colour_type == GRAY_ALPHA:
        # Four bytes a pixel, as in 8-bit RGBA, and PNG's filters know only bytes: read as that, the bytes
        # come out whole.
        twin = replace(content, header=replace(header, bits=8, colour_type=RGB_ALPHA))
        return np.asarray(_opened(name, twin.rebuilt())).view(">u2").astype(np.uint16)
    mode = {RGB: "RGB", RGB_ALPHA: "RGBA"}[header.colour_type]
    high, low = (_bytes_of(name, content, mode, end) for end in ("B", "L"))
    return high.astype(np.uint16) << 8 | low


def _bytes_of(name: str, content: PngContent, mode: str, end: str) -> Numbers:
    """One byte of each number: the decoder keeps the high one, which read as little-endian is the low."""
    header = content.header
    layout = (f"{mode};16{end}", int(header.interlaced))
    try:
        return np.asarray(
            Image.frombytes(mode, (header.size.width, header.size.height), content.pixels, "zip", *layout)
        )
    except (OSError, ValueError) as error:
        raise damaged(name, "its pixels cannot be decoded") from error


def _opened(name: str, data: bytes) -> Image.Image:
    try:
        # Only PNG: another decoder behind a PNG's name is how image libraries are attacked. Image.open would
        # judge the size by a limit of its own, after it has been judged by the user's.
        image = PngImageFile(BytesIO(data))
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise damaged(name, "its pixels cannot be decoded") from error
    return image


def _split(name: str, content: PngContent, planes: Numbers) -> tuple[Numbers, NDArray[np.bool_] | None]:
    """Part values from opacity: alpha, or the one colour or palette entry that stands for it."""
    header, key = content.header, content.transparency
    if header.colour_type in (GRAY_ALPHA, RGB_ALPHA):
        half = 1 << (header.bits - 1)
        colours = planes[..., :-1]
        return (colours[..., 0] if header.colour_type == GRAY_ALPHA else colours), planes[..., -1] >= half
    if header.colour_type == PALETTE:
        return _from_palette(name, content, planes)
    colour = np.frombuffer(key[: len(key) // 2 * 2], dtype=">u2")
    if colour.size != (3 if header.colour_type == RGB else 1):
        return planes, None
    if header.bits < 8:
        colour = colour * (255 // ((1 << header.bits) - 1))
    differs = planes != colour.astype(planes.dtype)
    return planes, differs.any(axis=-1) if header.colour_type == RGB else differs


def _from_palette(
    name: str, content: PngContent, indices: Numbers
) -> tuple[Numbers, NDArray[np.bool_] | None]:
    if len(content.palette) % 3 or not content.palette:
        raise damaged(name, "its palette is incomplete")
    colours = np.frombuffer(content.palette, dtype=np.uint8).reshape(-1, 3)
    if int(indices.max()) >= len(colours):
        raise damaged(name, "it names colours that its palette does not have")
    if not content.transparency:
        return colours[indices], None
    opacity = np.full(256, 255, dtype=np.uint8)
    entries = np.frombuffer(content.transparency[:256], dtype=np.uint8)
    opacity[: len(entries)] = entries
    return colours[indices], opacity[indices] >= 128
