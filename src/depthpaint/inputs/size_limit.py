"""How large and how small a depth map may be, checked on its header before any pixel is decoded."""

from __future__ import annotations

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.geometry import Extent

MAX_PIXELS = 100_000_000
# Pillow warns of a "decompression bomb" beyond this; a warning that is an error is a limit, and told as one.
MAX_PILLOW_PIXELS = min(MAX_PIXELS, 1024**3 // 4 // 3)
MAX_SIDE = 32_768
MIN_SIDE = 8
MAX_FILE_BYTES = MAX_PIXELS * 8 + (1 << 20)  # the largest array of float64, and its header


def check_size(name: str, extent: Extent, max_pixels: int = MAX_PIXELS) -> None:
    """Raise DepthError (depth_too_large, depth_bad_shape) unless a map of `extent` pixels may be read."""
    if max(extent) > MAX_SIDE or extent.pixels > max_pixels:
        raise DepthError(
            f"{name} is too large: {extent}, and {max_pixels:,} pixels and sides of {MAX_SIDE:,} are allowed",
            code=ErrorCode.DEPTH_TOO_LARGE,
            remedy="make the depth map smaller",
            value=str(extent),
            limit=max_pixels,
        )
    if min(extent) < MIN_SIDE:
        raise DepthError(
            f"{name} is too small: {extent} pixels, and each side needs at least {MIN_SIDE}",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="give a larger depth map",
            value=str(extent),
            limit=MIN_SIDE,
        )
