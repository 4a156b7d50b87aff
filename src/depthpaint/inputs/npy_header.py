"""The head of an NPY file, checked against the file's length before any array is made."""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass

from depthpaint.core.errors import DepthError, ErrorCode, UnsafeFormatError
from depthpaint.core.geometry import Extent
from depthpaint.inputs.file_kind import NPY_MAGIC
from depthpaint.inputs.size_limit import check_size

MAX_HEADER_BYTES = 10_000
MAX_START_BYTES = MAX_HEADER_BYTES + 12  # with the magic, the version and the header's length

# Three known keys are all a header has; a general parser of Python literals would only be a larger door.
_TYPE = re.compile(r"""['"]descr['"]\s*:\s*(['"])([^'"]*)\1""")
_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([^()]*)\)""")
_SIDE = re.compile(r"-?[0-9]{1,4000}")
_NUMBERS = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """Where and what the numbers are.

    `shape` as stored (H, W), (H, W, 1) or (1, H, W); `size` in pixels; `kind` one of b, i, u, f; `item_bytes`
    a number; `big_endian`; `column_major` for Fortran order; `offset` of the first number in bytes.
    """

    shape: tuple[int, ...]
    kind: str
    item_bytes: int
    big_endian: bool
    column_major: bool
    offset: int

    @property
    def size(self) -> Extent:
        """The map's size in pixels."""
        height, width = self.rows_and_columns
        return Extent(width, height)

    @property
    def rows_and_columns(self) -> tuple[int, int]:
        """The shape without its single channel."""
        return _plane(self.shape) or (0, 0)

    @property
    def type_name(self) -> str:
        """numpy's name of the type, with its byte order, such as "<f4"."""
        return f"{'>' if self.big_endian else '<'}{self.kind}{self.item_bytes}"


def read_npy_header(name: str, data: bytes, max_pixels: int, length: int | None = None) -> NpyHeader:
    """Parse the header and hold it against the file.

    `length` is the whole file's length where `data` is only its beginning, MAX_START_BYTES or more.
    Raises UnsafeFormatError (pickle_refused) and DepthError (depth_truncated, depth_unreadable,
    depth_bad_dtype, depth_bad_shape, depth_too_large), all before any memory is taken.
    """
    text, offset = _header_text(name, data)
    kind, item_bytes, big_endian = _number_type(name, text)
    order, shape = _ORDER.search(text), _shape(name, text)
    if order is None:
        raise _damaged(name, "its header does not say in which order its numbers are")
    plane = _plane(shape)
    if plane is None or min(plane) < 1:
        raise DepthError(
            f"{name} holds an array of shape {shape}, and a depth map is (height, width)",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="save one plane of it, as with numpy.save(file, array[..., 0])",
            value=shape,
        )
    check_size(name, Extent(plane[1], plane[0]), max_pixels)
    expected, held = math.prod(shape) * item_bytes, (len(data) if length is None else length) - offset
    if held < expected:
        raise _truncated(name, f"its header announces {expected:,} bytes of numbers, and it holds {held:,}")
    if held > expected:
        raise _damaged(name, f"it holds {held - expected:,} bytes more than its header announces")
    return NpyHeader(shape, kind, item_bytes, big_endian, order[1] == "True", offset)


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
        raise _truncated(name, f"its header claims {length:,} bytes, and {MAX_HEADER_BYTES:,} are allowed")
    if len(data) < max(offset, start + width):
        raise _truncated(name, "it ends in its header")
    return data[start + width : offset].decode("latin-1"), offset


def _number_type(name: str, text: str) -> tuple[str, int, bool]:
    found = _TYPE.search(text)
    descr = found[2] if found else "a structure"
    if found and descr[-1:] == "O":
        raise UnsafeFormatError(
            f"{name} holds Python objects, which can run code when they are read",
            code=ErrorCode.PICKLE_REFUSED,
            remedy="save the depth as plain numbers: numpy.save(file, array.astype('float32'))",
            value=descr,
        )
    number = re.fullmatch(r"([<>|=]?)([biuf])([0-9]{1,2})", descr)
    if number is None or int(number[3]) not in _NUMBERS[number[2]]:
        raise DepthError(
            f"{name} holds numbers of type '{descr[:40]}', which are no depth",
            code=ErrorCode.DEPTH_BAD_DTYPE,
            remedy="save it as integers or floats: numpy.save(file, array.astype('float32'))",
            value=descr[:40],
        )
    big_endian = number[1] == ">" or (number[1] == "=" and sys.byteorder == "big")
    return number[2], int(number[3]), big_endian


def _shape(name: str, text: str) -> tuple[int, ...]:
    found = _SHAPE.search(text)
    # Files written by Python 2 mark long integers: (338L, 338L).
    sides = [side.strip().removesuffix("L") for side in found[1].split(",")] if found else ["?"]
    if sides[-1] == "":
        sides.pop()
    if not all(_SIDE.fullmatch(side) for side in sides):
        raise _damaged(name, "its header names no shape")
    shape = tuple(int(side) for side in sides)
    if any(side < 0 for side in shape):
        raise _truncated(name, f"its header announces a negative side, {shape}")
    return shape


def _plane(shape: tuple[int, ...]) -> tuple[int, int] | None:
    if len(shape) == 3 and shape[2] == 1:
        return shape[0], shape[1]
    if len(shape) == 3 and shape[0] == 1:
        return shape[1], shape[2]
    return (shape[0], shape[1]) if len(shape) == 2 else None


def _truncated(name: str, reason: str) -> DepthError:
    return DepthError(
        f"{name} is no complete NPY file: {reason}",
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
