"""Shared by all formats: size limits, errors for damaged files, and the decoded samples."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.geometry import Extent

BY_NUMPY = "load it in Python and save the depth array with numpy.save"
BY_PROGRAM = "convert it to a 16-bit gray PNG with any image program"


def truncated(name: str, kind: str, reason: str = "it ends in the middle of the picture") -> DepthError:
    """The error for a file of this `kind` ("NPZ archive") that ends too early."""
    return DepthError(
        f"{name} is not a complete {kind}: {reason}",
        code=ErrorCode.DEPTH_TRUNCATED,
        remedy="copy or download it again",
        value=name,
    )


def damaged(name: str, kind: str, reason: str) -> DepthError:
    """The error for a file with contradictions."""
    return DepthError(
        f"{name} is a damaged {kind}: {reason}",
        code=ErrorCode.DEPTH_UNREADABLE,
        remedy="copy or download it again, or save it again with the program that made it",
        value=name,
    )


def unsupported(name: str, what: str, remedy: str) -> DepthError:
    """The error for a valid file of an unsupported kind; `what` follows "is"."""
    return DepthError(f"{name} is {what}", code=ErrorCode.DEPTH_UNSUPPORTED_FORMAT, remedy=remedy, value=name)


def bad_type(name: str, what: str, remedy: str = BY_NUMPY) -> DepthError:
    """The error for numbers that cannot be depth; `what` follows "holds"."""
    return DepthError(f"{name} holds {what}", code=ErrorCode.DEPTH_BAD_DTYPE, remedy=remedy, value=what)


def bad_shape(name: str, what: str, remedy: str) -> DepthError:
    """The error for numbers that are not a single plane; `what` follows "holds"."""
    return DepthError(f"{name} holds {what}", code=ErrorCode.DEPTH_BAD_SHAPE, remedy=remedy, value=what)


def too_many(name: str, what: str, limit: int) -> DepthError:
    """The error for an excessive count; `what` follows "holds"."""
    return DepthError(
        f"{name} holds {what}, the limit is {limit:,}",
        code=ErrorCode.DEPTH_TOO_LARGE,
        remedy="save the depth map alone",
        value=what,
        limit=limit,
    )


MAX_PIXELS = 1 << 25
"""The default: 8192 x 4096, which takes about 1 GB of memory; --max-pixels allows more."""
MAX_SIDE = 32_768
MOST_PIXELS = MAX_SIDE**2
MIN_SIDE = 8

_FILE_BYTES = 800 << 20
"""For a file with any number of channels; an array of float64 may be as large as its pixels."""


def max_file_bytes(max_pixels: int) -> int:
    """The largest file in bytes for a map of so many pixels."""
    return max(_FILE_BYTES, max_array_bytes(max_pixels))


def max_array_bytes(max_pixels: int) -> int:
    """The size of the largest array of float64, with its header."""
    return max_pixels * 8 + (1 << 20)


def check_size(name: str, extent: Extent, max_pixels: int = MAX_PIXELS) -> None:
    """Raise DepthError (depth_too_large, depth_bad_shape) unless a map of `extent` pixels may be read."""
    if max(extent) > MAX_SIDE:
        raise _too_large(name, extent, f"sides of {MAX_SIDE:,} pixels", MAX_SIDE, "make it smaller")
    if extent.pixels > max_pixels:
        flag = f"--max-pixels {extent.pixels} (batch and study: --set max_pixels={extent.pixels})"
        remedy = f"make it smaller, or allow it with {flag}"
        raise _too_large(name, extent, f"{max_pixels:,} pixels", max_pixels, remedy)
    if min(extent) < MIN_SIDE:
        raise DepthError(
            f"{name} is too small: {extent} pixels, but each side needs at least {MIN_SIDE}",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="give a larger depth map",
            value=str(extent),
            limit=MIN_SIDE,
        )


def _too_large(name: str, extent: Extent, allowed: str, limit: int, remedy: str) -> DepthError:
    return DepthError(
        f"{name} is too large: {extent} is {extent.pixels:,} pixels, the limit is {allowed}",
        code=ErrorCode.DEPTH_TOO_LARGE,
        remedy=remedy,
        value=str(extent),
        limit=limit,
    )


def frame_place(name: str, frame: int | None, count: int, what: str = "frames") -> int:
    """The place of a frame among `count` of them, the first by default; raises DepthError (depth_bad_shape).

    `what` says in the plural what the file calls them.
    """
    if frame is None or frame < count:
        return frame or 0
    held = f"{count:,} {what}" if count > 1 else "a single picture that can be read"
    remedy = f"give --frame-index 0 to {count - 1}" if count > 1 else "leave --frame-index out"
    raise DepthError(
        f"{name} holds {held}, so there is no frame {frame} (the first one is 0)",
        code=ErrorCode.DEPTH_BAD_SHAPE,
        remedy=remedy,
        value=frame,
        limit=count - 1,
    )


UPRIGHT = 1
_TAG, _SHORT = 0x0112, 3


_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])\b")


def orientation_of(exif: bytes, xmp: bytes = b"") -> int:
    """EXIF's orientation, 1 to 8, or else XMP's; 1 (upright) if both are missing or invalid."""
    stated = _in_exif(exif)
    if stated is not None:
        return stated
    match = _XMP_ORIENTATION.search(xmp)
    return int(match[1]) if match else UPRIGHT


def _in_exif(exif: bytes) -> int | None:
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 8:
        return None
    (offset,) = struct.unpack_from(f"{order}I", exif, 4)
    if offset + 2 > len(exif):
        return None
    (count,) = struct.unpack_from(f"{order}H", exif, offset)
    for position in range(offset + 2, min(offset + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, position)
        if tag == _TAG and kind == _SHORT:
            return value if 1 <= value <= 8 else UPRIGHT
    return None


FormatName = Literal["png", "jpeg", "webp", "tiff", "npy", "npz", "pfm", "pgm", "exr", "heif", "colmap"]
ENDINGS: dict[FormatName, tuple[str, ...]] = {
    "png": (".png",), "jpeg": (".jpg", ".jpeg", ".jpe"), "webp": (".webp",),
    "tiff": (".tif", ".tiff", ".dng"), "npy": (".npy",),
    "npz": (".npz",), "pfm": (".pfm",), "pgm": (".pgm", ".pnm"), "exr": (".exr",),
    "heif": (".heic", ".heif"), "colmap": (".bin",),
}  # fmt: skip
"""How the names of files of each format end."""
FOLDER_ENDINGS = frozenset(ending for endings in ENDINGS.values() for ending in endings) - {".bin", ".dng"}
"""The endings of depth maps among other files, without those that most often are something else."""
Quantity = Literal["distance", "disparity"]
"""The quantity that grows with the stored number: distance from the camera, or nearness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Decoded numbers of any real type.

    `values` is (H, W), or (H, W, 3) for colours; `opaque` is bool (H, W), or None without
    transparency; `bits` is the file format's number of bits per value; `notes` are texts to show the user.

    The rest is what the file itself states, never a guess: `lossy` numbers went through JPEG or similar;
    `quantity` is None if not stated; `hint` is what a name suggests that other programs use for the
    other quantity as well, so that it is weak evidence; `metres` is how many metres one stored unit is;
    `empty` is the stored number for missing measurements (GDAL's nodata); `part` names the chosen part of
    a container (an NPZ key, an EXR channel); `hidden` numbers are a depth map inside a
    picture; `stated_by` is the source of these statements.
    """

    values: NDArray[Any]
    opaque: NDArray[np.bool_] | None
    bits: int
    notes: tuple[str, ...] = ()
    lossy: bool = False
    quantity: Quantity | None = None
    hint: Quantity | None = None
    metres: float | None = None
    empty: float | None = None
    part: str | None = None
    hidden: bool = False
    stated_by: str = "the file"


UPRIGHT_NOTE = "the picture is turned upright by its orientation tag"


def upright(planes: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo EXIF's and TIFF's orientation of (H, W) or (H, W, C), a number from 1 to 8."""
    # 2 to 4 are mirrored or turned by 180 degrees, 5 to 8 by 90.
    if orientation > 4:
        planes = planes.swapaxes(0, 1)
        orientation = {5: 1, 6: 2, 7: 3, 8: 4}[orientation]
    flips = {1: (), 2: (1,), 3: (0, 1), 4: (0,)}[orientation]
    return np.flip(planes, flips) if flips else planes


def upside_down(samples: Samples) -> Samples:
    """`samples` with the last row first, and a note."""
    opaque = None if samples.opaque is None else samples.opaque[::-1]
    notes = (*samples.notes, "the map is turned upside down, as requested")
    return replace(samples, values=samples.values[::-1], opaque=opaque, notes=notes)


LOSSY_NOTE = "the file went through lossy compression, which blurs edges of depth and adds ripples"
LOSSY_TOLERANCE = 2
"""The largest difference of equal channels after conversion to luminance and colour."""


def gray_or_colours(planes: NDArray[Any], *, lossy: bool = False) -> NDArray[Any]:
    """Return (H, W) if the channels of (H, W, 3) are equal, else the colours.

    In `lossy` formats they may differ by LOSSY_TOLERANCE; green, which these preserve best, is used. NaN
    equals NaN, because it marks the same hole in every channel.
    """
    red, green, blue = (planes[..., k] for k in range(3))
    if lossy:
        spread = planes.max(axis=-1) - planes.min(axis=-1)
        return planes if (spread > LOSSY_TOLERANCE).any() else green
    holes = planes.dtype.kind == "f"
    equal = np.array_equal(red, green, equal_nan=holes) and np.array_equal(blue, green, equal_nan=holes)
    return green if equal else planes


_ROWS = 64
_SWAPPED = 16
_LEAST_LEVELS = 32
_MORE_LEVELS = 1.05
_FEWEST_PAIRS = 256
_MOST_DECADES = 15


def in_byte_order(samples: Samples) -> Samples:
    """`samples` with the bytes of its numbers exchanged, and a note, if they are in the wrong order.

    Integers of 16 bits: neighbours differ by 16 times as much as with the bytes exchanged, and most
    high bytes occur with several low ones, unlike those of 8-bit maps that were multiplied by 256. (In the
    right order the low byte changes most from pixel to pixel, and exchanged neighbours differ by 60
    to 500 times as much in real maps.) Floats: most sizes span more than 15 powers of ten, in this order
    only.
    """
    values = samples.values
    if values.ndim != 2 or samples.lossy:
        return samples
    rows = values[:: max(1, values.shape[0] // _ROWS)]
    if values.dtype.kind in "ui" and values.dtype.itemsize == 2:
        wrong, shown = _steps_are_swapped(values), "16-bit numbers"
    elif values.dtype.kind == "f" and values.dtype.itemsize >= 4:
        wrong = _decades(rows) > _MOST_DECADES >= _decades(rows.byteswap())
        shown = f"{values.dtype.itemsize * 8}-bit floats"
    else:
        return samples
    if not wrong:
        return samples
    note = f"the bytes of its {shown} are in the wrong order, by how neighbours differ; they are exchanged"
    return replace(samples, values=values.byteswap(), notes=(*samples.notes, note))


def _steps_are_swapped(values: NDArray[Any]) -> bool:
    every = max(1, values.shape[0] // _ROWS)
    rows, below = (
        part.astype(part.dtype.newbyteorder("=")).view(np.uint16)
        for part in (values[:-1:every], values[1::every])
    )
    one = np.concatenate([rows[:, :-1].ravel(), rows.ravel()])
    other = np.concatenate([rows[:, 1:].ravel(), below.ravel()])
    # Marks for "no depth", at the ends of the range, make steps of any size.
    kept = (one != 0) & (other != 0) & (one != 0xFFFF) & (other != 0xFFFF)
    one, other = one[kept], other[kept]
    if len(one) < _FEWEST_PAIRS:
        return False
    levels, high_bytes = len(np.unique(one)), len(np.unique(one >> 8))
    if levels < max(_LEAST_LEVELS, _MORE_LEVELS * high_bytes):
        return False
    return _mean_step(one, other) > _SWAPPED * _mean_step(one.byteswap(), other.byteswap())


def _mean_step(one: NDArray[np.uint16], other: NDArray[np.uint16]) -> float:
    return float(np.abs(one.astype(np.int32) - other).mean())


def _decades(rows: NDArray[Any]) -> float:
    """How many powers of ten the sizes of most numbers span, zeros and infinities aside."""
    with np.errstate(all="ignore"):
        sizes = np.abs(rows.astype(np.float64))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if len(sizes) < _FEWEST_PAIRS:
        return 0.0
    low, high = np.quantile(np.log10(sizes), (0.1, 0.9))
    return float(high - low)
