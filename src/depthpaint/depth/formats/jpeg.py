"""A JPEG's numbers: 8 bits, damaged by its compression; or the depth map that a phone has put into it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from depthpaint.depth.formats.pillow import LOSSY_NOTE, LOSSY_TOLERANCE, decoded
from depthpaint.depth.formats.planes import UPRIGHT_NOTE, gray_or_colours, upright
from depthpaint.depth.formats.png import decode_png
from depthpaint.depth.formats.portrait import HiddenMap, hidden_map
from depthpaint.depth.formats.samples import Samples
from depthpaint.inputs.file_kind import PNG_SIGNATURE
from depthpaint.inputs.jpeg_segments import JpegSegments, read_jpeg_segments
from depthpaint.inputs.orientation import UPRIGHT, orientation_of
from depthpaint.inputs.refusal import bad_shape, damaged
from depthpaint.inputs.size_limit import check_size


def decode_jpeg(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode the depth map inside a portrait, or else the picture itself, upright; raises DepthError."""
    segments = read_jpeg_segments(name, data)
    hidden = hidden_map(name, data, segments)
    samples = _pixels(name, segments, max_pixels) if hidden is None else _revealed(name, hidden, max_pixels)
    orientation = orientation_of(segments.exif)
    if orientation == UPRIGHT:
        return samples
    # A hidden map lies as the picture around it does.
    opaque = None if samples.opaque is None else upright(samples.opaque, orientation)
    notes = (*samples.notes, UPRIGHT_NOTE)
    return replace(samples, values=upright(samples.values, orientation), opaque=opaque, notes=notes)


def _pixels(name: str, segments: JpegSegments, max_pixels: int) -> Samples:
    check_size(name, segments.size, max_pixels)
    if segments.components not in (1, 3):
        raise bad_shape(name, "a picture in printing inks (CMYK)", "save the depth as gray")
    values = decoded(name, segments.plain, "JPEG")
    if values.ndim == 3:
        values = gray_or_colours(values, LOSSY_TOLERANCE)
    return Samples(values=values, opaque=None, bits=8, notes=(LOSSY_NOTE,), lossy=True)


def _revealed(name: str, hidden: HiddenMap, max_pixels: int) -> Samples:
    inner = f"{name} (the depth map inside)"
    if hidden.data.startswith(PNG_SIGNATURE):
        samples = decode_png(inner, hidden.data, max_pixels)
    elif hidden.data.startswith(b"\xff\xd8\xff"):
        samples = _pixels(inner, read_jpeg_segments(inner, hidden.data), max_pixels)
    else:
        raise damaged(inner, "depth map", "it is neither a PNG nor a JPEG")
    values = samples.values
    if hidden.backwards:
        values = np.iinfo(values.dtype).max - values
    notes = (hidden.note, *samples.notes)
    return replace(samples, values=values, notes=notes, quantity=hidden.growing, hidden=True)
