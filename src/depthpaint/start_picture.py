"""The picture that a run starts from (`init`): reading it, and laying it on the canvas as the depth map."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.geometry import Extent, Placement
from depthpaint.depth.resize import pad_to
from depthpaint.plan import InitPicture, Sizes
from depthpaint.record.picture_file import picture_bytes
from depthpaint.record.picture_source import decoded_picture

_ROWS = 256


@dataclass(frozen=True, slots=True)
class StartPicture:
    """A picture, uint8 (H, W, 3), its size with the digest of its file, and what is to be told of it."""

    pixels: NDArray[np.uint8]
    facts: InitPicture
    notes: tuple[str, ...] = ()


def read_start(path: Path) -> StartPicture:
    """Read a PNG, JPEG or WebP, upright; transparent parts become white. Raises RecordError."""
    data = picture_bytes(path)
    digest = hashlib.sha256(data).hexdigest()
    decoded = decoded_picture(str(path), data, transparent=True)
    height, width = decoded.pixels.shape[:2]
    facts, opacity = InitPicture(Extent(width, height), digest), decoded.opacity
    if opacity is None or bool((opacity == 255).all()):
        return StartPicture(decoded.pixels, facts)
    flat = np.empty_like(decoded.pixels)
    for top in range(0, height, _ROWS):  # in strips: the numbers of a whole one take 4 times as much memory
        rows = slice(top, top + _ROWS)
        share = opacity[rows, :, None].astype(np.float32) / 255
        flat[rows] = np.rint(decoded.pixels[rows] * share + 255 * (1 - share)).astype(np.uint8)
    return StartPicture(flat, facts, ("init is transparent in parts, which become white",))


def on_canvas(pixels: NDArray[np.uint8], placement: Placement, sizes: Sizes) -> NDArray[np.float32]:
    """The picture on the network's canvas, float32 (H, W, 3) in [0, 1]; its rim is repeated where it ends."""
    left, top, right, bottom = (round(side) for side in placement.target)
    source, (height, width) = placement.source, pixels.shape[:2]
    # Rounding may put a box slightly outside, which Pillow rejects.
    box = (max(0.0, source.left), max(0.0, source.top), min(width, source.right), min(height, source.bottom))
    image = Image.fromarray(pixels).resize((right - left, bottom - top), Image.Resampling.LANCZOS, box=box)
    content = pad_to(np.asarray(image), sizes.content_size, placement.target)
    canvas = pad_to(content, sizes.canvas_size, sizes.content_box)
    return canvas.astype(np.float32) / np.float32(255)
