"""Small pictures for a report."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 256
"""Pixels of the longer side."""
QUALITY = 80


def thumbnail(pixels: NDArray[np.uint8], side: int = SIDE) -> bytes:
    """A JPEG of uint8 (H, W, 3), or (H, W) gray, not longer than `side` pixels on any side."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    data = BytesIO()
    picture.save(data, "JPEG", quality=QUALITY, optimize=True)
    return data.getvalue()
