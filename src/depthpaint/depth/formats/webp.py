"""A WebP's numbers: 8 bits, exact or damaged by compression, with or without transparency."""

from __future__ import annotations

from depthpaint.depth.formats.pillow import LOSSY_NOTE, LOSSY_TOLERANCE, decoded
from depthpaint.depth.formats.planes import UPRIGHT_NOTE, gray_or_colours, upright
from depthpaint.depth.formats.samples import Samples
from depthpaint.inputs.orientation import UPRIGHT, orientation_of
from depthpaint.inputs.size_limit import check_size
from depthpaint.inputs.webp_chunks import read_webp_chunks


def decode_webp(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode a still or an animation's first frame; a pixel is opaque from half of full opacity on.

    Raises DepthError.
    """
    chunks = read_webp_chunks(name, data)
    check_size(name, chunks.size, max_pixels)
    planes = decoded(name, chunks.plain, "WEBP")
    notes = [] if chunks.lossless else [LOSSY_NOTE]
    if chunks.frames > 1:
        notes.append(f"the file is an animation of {chunks.frames} frames; the first is used")
    orientation = orientation_of(chunks.exif)
    if orientation != UPRIGHT:
        notes.append(UPRIGHT_NOTE)
        planes = upright(planes, orientation)
    values = gray_or_colours(planes[..., :3], 0 if chunks.lossless else LOSSY_TOLERANCE)
    opaque = planes[..., 3] >= 128 if planes.shape[2] == 4 else None
    return Samples(values=values, opaque=opaque, bits=8, notes=tuple(notes), lossy=not chunks.lossless)
