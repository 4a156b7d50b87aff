"""How large and how small a depth map may be, checked on its header before any pixel is decoded."""

from __future__ import annotations

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.geometry import Extent

MAX_PIXELS = 1 << 25
"""By default: 8192 x 4096, which are understood in about 1 GB of memory; --max-pixels allows more."""
MAX_SIDE = 32_768
MOST_PIXELS = MAX_SIDE**2
MIN_SIDE = 8

_FILE_BYTES = 800 << 20
"""Of a file with any number of channels; an array of float64 may be as large as its pixels make it."""


def max_file_bytes(max_pixels: int) -> int:
    """How many bytes a file with a map of so many pixels may have."""
    return max(_FILE_BYTES, max_array_bytes(max_pixels))


def max_array_bytes(max_pixels: int) -> int:
    """The size of the largest array of float64, with its header."""
    return max_pixels * 8 + (1 << 20)


def check_size(name: str, extent: Extent, max_pixels: int = MAX_PIXELS) -> None:
    """Raise DepthError (depth_too_large, depth_bad_shape) unless a map of `extent` pixels may be read."""
    if max(extent) > MAX_SIDE:
        raise _too_large(name, extent, f"sides of up to {MAX_SIDE:,} pixels", MAX_SIDE, "make it smaller")
    if extent.pixels > max_pixels:
        flag = f"--max-pixels {extent.pixels} (batch and study: --set max_pixels={extent.pixels})"
        remedy = f"make it smaller, or allow it with {flag}"
        raise _too_large(name, extent, f"up to {max_pixels:,} pixels", max_pixels, remedy)
    if min(extent) < MIN_SIDE:
        raise DepthError(
            f"{name} is too small: {extent} pixels, and each side needs at least {MIN_SIDE}",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="give a larger depth map",
            value=str(extent),
            limit=MIN_SIDE,
        )


def _too_large(name: str, extent: Extent, allowed: str, limit: int, remedy: str) -> DepthError:
    return DepthError(
        f"{name} is too large: {extent} are {extent.pixels:,} pixels, and {allowed} are allowed",
        code=ErrorCode.DEPTH_TOO_LARGE,
        remedy=remedy,
        value=str(extent),
        limit=limit,
    )
