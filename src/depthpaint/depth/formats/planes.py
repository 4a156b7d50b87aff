"""What decoders do with planes of numbers whatever file they came from: turn them upright, tell gray."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

UPRIGHT_NOTE = "the picture is turned upright, as its orientation tag says"


def upright(planes: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo EXIF's and TIFF's orientation of (H, W) or (H, W, C), a number from 1 to 8."""
    # 2 to 4 are mirrored or turned by half, 5 to 8 lie on their side.
    if orientation > 4:
        planes = planes.swapaxes(0, 1)
        orientation = {5: 1, 6: 2, 7: 3, 8: 4}[orientation]
    flips = {1: (), 2: (1,), 3: (0, 1), 4: (0,)}[orientation]
    return np.flip(planes, flips) if flips else planes


def gray_or_colours(planes: NDArray[Any], tolerance: int = 0) -> NDArray[Any]:
    """Return (H, W) where the channels of (H, W, 3) are equal within `tolerance`, and the colours elsewhere.

    Where they differ a little the middle one, green, stands for all: lossy formats keep it best. NaN equals
    NaN, because it marks the same hole in every channel.
    """
    red, green, blue = (planes[..., k] for k in range(3))
    if tolerance:
        spread = planes.max(axis=-1) - planes.min(axis=-1)
        return planes if (spread > tolerance).any() else green
    holes = planes.dtype.kind == "f"
    equal = np.array_equal(red, green, equal_nan=holes) and np.array_equal(blue, green, equal_nan=holes)
    return green if equal else planes
