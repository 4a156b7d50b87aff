"""NPY: check the header against the file's length, and select the plane with the depth map.

No pickle, no memory map.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.geometry import Extent
from depthpaint.formats.file_kind import NPY_MAGIC
from depthpaint.formats.samples import MIN_SIDE, Samples, bad_shape, bad_type, check_size, frame_place

MAX_HEADER_BYTES = 10_000
MAX_START_BYTES = MAX_HEADER_BYTES + 12  # with the magic, the version and the header's length

# A header has three known keys; a general parser of Python literals would be a larger attack surface.
_TYPE = re.compile(r"""['"]descr['"]\s*:\s*(['"])([^'"]*)\1""")
_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([^()]*)\)""")
_SIDE = re.compile(r"-?[0-9]{1,4000}")
_NUMBERS = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}


_FEWEST_COLUMNS = 16


@dataclass(frozen=True, slots=True)
class Planes:
    """How an array holds planes of `rows` by `columns`: `count` of them, along its first axis or its last."""

    rows: int
    columns: int
    count: int = 1
    along_first: bool = True


def planes_of(shape: tuple[int, ...]) -> Planes | None:
    """The planes in an array of `shape`, whose axes of length 1 do not count; None if it has none."""
    sides = shape if len(shape) <= 2 else tuple(side for side in shape if side != 1)
    if len(sides) == 2:
        return Planes(*sides)
    if len(sides) != 3:
        return None
    first, middle, last = sides
    # A map has hardly a side this short.
    if last < MIN_SIDE <= first or last < _FEWEST_COLUMNS <= min(first, middle):
        return Planes(first, middle, last, along_first=False)
    return Planes(middle, last, first)


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """The type and layout of the numbers.

    `shape` as stored; `planes` the maps in it; `kind` one of b, i, u, f; `item_bytes` a number;
    `big_endian`; `column_major` for Fortran order; `offset` of the first number in bytes.
    """

    shape: tuple[int, ...]
    planes: Planes
    kind: str
    item_bytes: int
    big_endian: bool
    column_major: bool
    offset: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """numpy's type, with its byte order."""
        return np.dtype(f"{'>' if self.big_endian else '<'}{self.kind}{self.item_bytes}")


def read_npy_header(name: str, data: bytes, max_pixels: int, length: int | None = None) -> NpyHeader:
    """Parse the header and check it against the file.

    `length` is the whole file's length where `data` is only its beginning, MAX_START_BYTES or more.
    Raises DepthError (depth_truncated, depth_unreadable, depth_bad_dtype, depth_bad_shape, depth_too_large)
    before any memory is allocated.
    """
    text, offset = _header_text(name, data)
    kind, item_bytes, big_endian = _number_type(name, text)
    order, shape = _ORDER.search(text), _shape(name, text)
    if order is None:
        raise _damaged(name, "its header does not state the order of its numbers")
    planes = planes_of(shape)
    if planes is None or min(planes.rows, planes.columns, planes.count) < 1:
        raise _no_plane(name, shape)
    check_size(name, Extent(planes.columns, planes.rows), max_pixels)
    expected, held = math.prod(shape) * item_bytes, (len(data) if length is None else length) - offset
    if held < expected:
        raise _truncated(name, f"its header announces {expected:,} bytes of numbers, and it holds {held:,}")
    if held > expected:
        raise _damaged(name, f"it holds {held - expected:,} bytes more than its header announces")
    return NpyHeader(shape, planes, kind, item_bytes, big_endian, order[1] == "True", offset)


def _header_text(name: str, data: bytes) -> tuple[str, int]:
    start = len(NPY_MAGIC) + 2
    version = data[len(NPY_MAGIC) : start]
    if len(version) < 2:
        raise _truncated(name, "it ends in its header")
    if version[0] not in (1, 2, 3):
        raise _damaged(name, f"its format version {version[0]}.{version[1]} is unknown")
    width = 2 if version[0] == 1 else 4
    length = int.from_bytes(data[start : start + width], "little")
    offset = start + width + length
    if length > MAX_HEADER_BYTES:
        raise _truncated(name, f"its header claims {length:,} bytes, the limit is {MAX_HEADER_BYTES:,}")
    if len(data) < max(offset, start + width):
        raise _truncated(name, "it ends in its header")
    return data[start + width : offset].decode("latin-1"), offset


def _number_type(name: str, text: str) -> tuple[str, int, bool]:
    match = _TYPE.search(text)
    descr = match[2] if match else "a structure"
    if match and descr[-1:] == "O":
        raise objects(name)
    number = re.fullmatch(r"([<>|=]?)([biuf])([0-9]{1,2})", descr)
    if number is None or int(number[3]) not in _NUMBERS[number[2]]:
        raise DepthError(
            f"{name} holds numbers of type '{descr[:40]}', which cannot be depth",
            code=ErrorCode.DEPTH_BAD_DTYPE,
            remedy="give integers or floats, such as array.astype('float32')",
            value=descr[:40],
        )
    big_endian = number[1] == ">" or (number[1] == "=" and sys.byteorder == "big")
    return number[2], int(number[3]), big_endian


def _shape(name: str, text: str) -> tuple[int, ...]:
    match = _SHAPE.search(text)
    # Files written by Python 2 mark long integers: (338L, 338L).
    sides = [side.strip().removesuffix("L") for side in match[1].split(",")] if match else ["?"]
    if sides[-1] == "":
        sides.pop()
    if not all(_SIDE.fullmatch(side) for side in sides):
        raise _damaged(name, "its header names no shape")
    shape = tuple(int(side) for side in sides)
    if any(side < 0 for side in shape):
        raise _truncated(name, f"its header announces a negative side, {shape}")
    return shape


def objects(name: str) -> DepthError:
    """The error for an array of objects, which numpy stores as a pickle."""
    return bad_type(
        name,
        "an array of Python objects; these are never read, because they can run code",
        "save the depth as plain numbers: numpy.save(file, array.astype('float32'))",
    )


def _no_plane(name: str, shape: tuple[int, ...]) -> DepthError:
    leading = ", ".join("0" for side in shape[:-2] if side)
    remedy = f"save one plane of it: array[{leading}]" if leading else "save it as an array (height, width)"
    if 0 in shape:
        remedy = "give an array that is not empty"
    return DepthError(
        f"{name} holds an array of shape {shape}, but a depth map is (height, width)",
        code=ErrorCode.DEPTH_BAD_SHAPE,
        remedy=remedy,
        value=shape,
    )


def _truncated(name: str, reason: str) -> DepthError:
    return DepthError(
        f"{name} is not a complete NPY file: {reason}",
        code=ErrorCode.DEPTH_TRUNCATED,
        remedy="copy or save it again",
        value=name,
    )


def _damaged(name: str, reason: str) -> DepthError:
    return DepthError(
        f"{name} is a damaged NPY file: {reason}",
        code=ErrorCode.DEPTH_UNREADABLE,
        remedy="save it again with numpy.save",
        value=name,
    )


def decode_npy(name: str, data: bytes, frame: int | None, max_pixels: int) -> Samples:
    """Decode one plane of real numbers in either byte order; raises DepthError.

    Of several planes, `frame` selects one. Without it equal planes are one map, different ones of bytes or
    words along the last axis are colours, and all others an error.
    """
    header = read_npy_header(name, data, max_pixels)
    numbers = np.frombuffer(data, dtype=header.dtype, offset=header.offset)
    array = numbers.reshape(header.shape, order="F" if header.column_major else "C")
    planes = header.planes
    place = frame_place(name, frame, planes.count)
    if planes.count == 1:
        return samples_of(header, array.reshape(planes.rows, planes.columns))
    stack = np.squeeze(array)
    if not planes.along_first:
        stack = np.moveaxis(stack, 2, 0)
    if frame is None and not all(same_plane(stack[0], stack[k]) for k in range(1, planes.count)):
        if planes.count == 3 and not planes.along_first and header.kind == "u" and header.item_bytes <= 2:
            return samples_of(header, np.moveaxis(stack, 0, 2))
        raise different_planes(name, header)
    return samples_of(header, stack[place], stack_note(planes.count, frame))


def samples_of(header: NpyHeader, values: NDArray[Any], notes: tuple[str, ...] = ()) -> Samples:
    """The samples of a plane (or colours) of the array with this header."""
    if header.kind == "b":
        # A byte that is neither 0 nor 1 is not a boolean, but numpy would compute with it.
        values = values.view(np.uint8) != 0
    return Samples(values=values, opaque=None, bits=header.item_bytes * 8, notes=notes)


def same_plane(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two planes are equal, holes included."""
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def stack_note(count: int, frame: int | None) -> tuple[str, ...]:
    """What to show of the choice of one of `count` planes."""
    if frame is None:
        return (f"the array holds {count:,} equal planes; one of them is used",)
    return (f"frame {frame} of {count:,} (counted from 0) is used",)


def different_planes(name: str, header: NpyHeader) -> DepthError:
    """The error for planes of which one has to be selected."""
    planes = header.planes
    flag = f"--frame-index 0 to {planes.count - 1}"
    if planes.along_first:
        what = f"a sequence of {planes.count:,} frames, an array of shape {header.shape}"
        return bad_shape(
            name, what, f"select a frame with {flag}, or save each frame as a file in one folder"
        )
    what = f"{planes.count:,} different planes, an array of shape {header.shape}"
    return bad_shape(name, what, f"select the plane that is the depth with {flag}")
