"""A HEIF picture: the auxiliary depth of a phone's portrait, or else the picture's own pixels."""

from __future__ import annotations

import numpy as np

from depthpaint.core.geometry import Extent
from depthpaint.depth.formats.child import decoded_elsewhere
from depthpaint.depth.formats.pillow import LOSSY_NOTE, LOSSY_TOLERANCE
from depthpaint.depth.formats.planes import gray_or_colours
from depthpaint.depth.formats.samples import Quantity, Samples
from depthpaint.inputs.refusal import damaged, unsupported
from depthpaint.inputs.size_limit import check_size

_KIND = "HEIF picture"
_CHANNELS = {
    "L": 1,
    "L;16": 1,
    "I;16": 1,
    "LA": 2,
    "LA;16": 2,
    "RGB": 3,
    "RGB;16": 3,
    "RGBA": 4,
    "RGBA;16": 4,
}
# libheif's kinds of depth: inverse Z, disparity, Z, and disparity in uneven steps.
_QUANTITIES: dict[int, Quantity] = {0: "disparity", 1: "disparity", 2: "distance", 3: "disparity"}
_BITS_OF_THE_LARGEST = 4 * 2


def decode_heif(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode with libheif in another process; raises DepthError. The library turns the picture upright."""
    head, planes = decoded_elsewhere(
        name, data, "heif", {"most_pixels": max_pixels}, max_pixels * _BITS_OF_THE_LARGEST
    )
    try:
        width, height = (int(side) for side in head["size"])
        mode, hidden = str(head["mode"]), bool(head["depth"])
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(name, _KIND, "it has no picture") from error
    check_size(name, Extent(width, height), max_pixels)
    channels = _CHANNELS.get(mode)
    if channels is None or len(planes) != 1:
        raise unsupported(name, "a HEIF picture of an unusual kind", "export it as PNG")
    dtype = np.dtype("<u2" if mode.endswith("16") else "u1")
    stride, row = int(head.get("stride", 0)), width * channels * dtype.itemsize
    if stride < row or len(planes[0]) < stride * height:
        raise damaged(name, _KIND, "it has not as many pixels as it says")
    lines = np.frombuffer(planes[0], np.uint8, stride * height).reshape(height, stride)[:, :row]
    pixels = np.ascontiguousarray(lines).view(dtype).reshape(height, width, channels)
    opaque = None
    if channels in (2, 4):
        opaque = pixels[..., -1] >= np.iinfo(dtype).max // 2 + 1
    colours = pixels[..., :3] if channels > 2 else pixels[..., 0]
    values = gray_or_colours(colours, LOSSY_TOLERANCE) if colours.ndim == 3 else colours
    quantity: Quantity | None = None
    notes = [LOSSY_NOTE]
    if hidden:
        notes.insert(0, "the depth map inside the picture is used, not the picture itself")
        kind = head.get("described", {}).get("representation_type")
        quantity = _QUANTITIES.get(kind) if isinstance(kind, int) else None
    return Samples(
        values=values,
        opaque=opaque,
        bits=dtype.itemsize * 8,
        notes=tuple(notes),
        lossy=True,
        quantity=quantity,
        hidden=hidden,
    )
