"""NPY and NPZ: check the header against the file's length, and select the array with the depth map.

No pickle, no memory map.
"""

from __future__ import annotations

import math
import re
import struct
import sys
import zipfile
import zlib
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np

from depthpaint.core.errors import DepthError, ErrorCode, UnsafeFormatError
from depthpaint.core.geometry import Extent
from depthpaint.formats.file_kind import NPY_MAGIC
from depthpaint.formats.samples import BY_NUMPY, Samples, bad_shape, check_size, damaged, too_many, truncated

MAX_HEADER_BYTES = 10_000
MAX_START_BYTES = MAX_HEADER_BYTES + 12  # with the magic, the version and the header's length

# A header has three known keys; a general parser of Python literals would be a larger attack surface.
_TYPE = re.compile(r"""['"]descr['"]\s*:\s*(['"])([^'"]*)\1""")
_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([^()]*)\)""")
_SIDE = re.compile(r"-?[0-9]{1,4000}")
_NUMBERS = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """The type and layout of the numbers.

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
    """Parse the header and check it against the file.

    `length` is the whole file's length where `data` is only its beginning, MAX_START_BYTES or more.
    Raises UnsafeFormatError (pickle_refused) and DepthError (depth_truncated, depth_unreadable,
    depth_bad_dtype, depth_bad_shape, depth_too_large), all before any memory is allocated.
    """
    text, offset = _header_text(name, data)
    kind, item_bytes, big_endian = _number_type(name, text)
    order, shape = _ORDER.search(text), _shape(name, text)
    if order is None:
        raise _damaged(name, "its header does not state the order of its numbers")
    plane = _plane(shape)
    if plane is None or min(plane) < 1:
        raise DepthError(
            f"{name} holds an array of shape {shape}, but a depth map is (height, width)",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="give one plane of it, such as array[..., 0]",
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
        raise _truncated(name, f"its header claims {length:,} bytes, the limit is {MAX_HEADER_BYTES:,}")
    if len(data) < max(offset, start + width):
        raise _truncated(name, "it ends in its header")
    return data[start + width : offset].decode("latin-1"), offset


def _number_type(name: str, text: str) -> tuple[str, int, bool]:
    match = _TYPE.search(text)
    descr = match[2] if match else "a structure"
    if match and descr[-1:] == "O":
        raise UnsafeFormatError(
            f"{name} holds Python objects, which can run code when they are read",
            code=ErrorCode.PICKLE_REFUSED,
            remedy="save the depth as plain numbers: numpy.save(file, array.astype('float32'))",
            value=descr,
        )
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


def _plane(shape: tuple[int, ...]) -> tuple[int, int] | None:
    if len(shape) == 3 and shape[2] == 1:
        return shape[0], shape[1]
    if len(shape) == 3 and shape[0] == 1:
        return shape[1], shape[2]
    return (shape[0], shape[1]) if len(shape) == 2 else None


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


def decode_npy(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode (H, W), (H, W, 1) or (1, H, W) of any real numbers in either byte order; raises DepthError."""
    header = read_npy_header(name, data, max_pixels)
    numbers = np.frombuffer(data, dtype=np.dtype(header.type_name), offset=header.offset)
    plane = numbers.reshape(header.shape, order="F" if header.column_major else "C").reshape(
        header.rows_and_columns
    )
    if header.kind == "b":
        # A byte that is neither 0 nor 1 is not a boolean, but numpy would compute with it.
        plane = plane.view(np.uint8) != 0
    return Samples(values=plane, opaque=None, bits=header.item_bytes * 8)


MAX_MEMBERS = 1_000

_KIND = "NPZ archive"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_PICKLES = (".pkl", ".pickle", ".p")
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    OverflowError,
    KeyError,
)
_PLAIN_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_NAMES_SHOWN = 12


def decode_npz(name: str, data: bytes, part: str | None, max_pixels: int) -> Samples:
    """Decode the array `part`, or the only one with the shape and the type of a map.

    Masks (bool) and other data (camera matrices, texts, points) are ignored. A key with "disp" in it
    means that the numbers are disparity; "depth" and "z" are used for both kinds, so they mean nothing.
    Raises DepthError and UnsafeFormatError.
    """
    archive = _opened(name, data)
    members = _members(name, archive)
    if part is not None:
        key = part.removesuffix(".npy")
        if key not in members:
            raise bad_shape(
                name, f"no array '{part[:80]}'", f"select one of its keys with --part: {_listed(members)}"
            )
        member = members[key]
        read_npy_header(f"{name}[{key}]", _start(name, archive, member), max_pixels, member.file_size)
    else:
        key = _only_candidate(name, archive, members, max_pixels)
    # Its header was checked against its size, so this is at most max_pixels numbers.
    content = _unpacked(name, archive, members[key], members[key].file_size)
    samples = decode_npy(f"{name}[{key}]", content, max_pixels)
    notes = () if len(members) == 1 else (f"the archive's array '{key}' is used",)
    disparity = "disparity" if "disp" in key.lower() else None
    return replace(samples, notes=notes, quantity=disparity, part=key)


def _opened(name: str, data: bytes) -> zipfile.ZipFile:
    # Counted in the raw bytes, because listing the members of a hostile archive is itself expensive.
    if data.count(_DIRECTORY_ENTRY) > MAX_MEMBERS:
        raise too_many(name, f"more than {MAX_MEMBERS:,} files", MAX_MEMBERS)
    try:
        return zipfile.ZipFile(BytesIO(data))
    except _BROKEN as error:
        if b"PK\x05\x06" not in data[-65_600:]:
            raise truncated(name, _KIND, "its table of contents, which comes last, is missing") from error
        raise damaged(name, _KIND, "its table of contents makes no sense") from error


def _members(name: str, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The arrays by key; nothing is decompressed yet."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        path = member.filename
        if path.lower().endswith(_PICKLES):
            raise UnsafeFormatError(
                f"{name} holds a Python pickle, which can run code when it is read",
                code=ErrorCode.PICKLE_REFUSED,
                remedy=BY_NUMPY,
                value=path,
            )
        if "/" in path or "\\" in path or path in ("", ".", ".."):
            raise damaged(name, _KIND, f"it holds a path where only names belong, '{path[:80]}'")
        if member.flag_bits & _ENCRYPTED:
            raise damaged(name, _KIND, "it is encrypted")
        if member.compress_type not in _PLAIN_METHODS:
            raise damaged(name, _KIND, "it is packed in a way that NPZ archives are not")
        if path.endswith(".npy"):
            if path[:-4] in members:
                raise damaged(name, _KIND, f"it holds two arrays called '{path[:-4][:80]}'")
            members[path[:-4]] = member
    if not members:
        raise bad_shape(name, "no array", "save the depth as an array: numpy.savez(file, depth=array)")
    return members


def _only_candidate(
    name: str, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], max_pixels: int
) -> str:
    maps: dict[str, NpyHeader] = {}
    refusals: list[DepthError | UnsafeFormatError] = []
    for key, member in members.items():
        try:
            start = _start(name, archive, member)
            maps[key] = read_npy_header(f"{name}[{key}]", start, max_pixels, member.file_size)
        except (DepthError, UnsafeFormatError) as error:
            refusals.append(error)
    keys = [key for key, header in maps.items() if header.kind != "b"] or list(maps)
    if len(keys) == 1:
        return keys[0]
    if not keys:
        # Objects are reported first, because they are dangerous.
        raise next((error for error in refusals if isinstance(error, UnsafeFormatError)), refusals[0])
    raise bad_shape(
        name, f"{len(keys)} arrays that could be the depth: {_listed(keys)}", "select one with --part KEY"
    )


def _start(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    return _unpacked(name, archive, member, min(member.file_size, MAX_START_BYTES))


def _unpacked(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, length: int) -> bytes:
    """The first `length` bytes of a member; at the member's full length its checksum is verified."""
    try:
        with archive.open(member) as file:
            content = file.read(length)
    except _BROKEN as error:
        raise damaged(name, _KIND, f"'{member.filename[:80]}' cannot be unpacked") from error
    if len(content) < length:
        raise truncated(name, _KIND, f"'{member.filename[:80]}' ends too early")
    return content


def _listed(keys: dict[str, zipfile.ZipInfo] | list[str]) -> str:
    names = [key[:80] for key in keys]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
