"""NPZ: select the array with the depth map in the archive, and unpack no more than is needed of it."""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import replace
from io import BytesIO
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode, UnsafeFormatError
from depthpaint.formats.npy import (
    MAX_START_BYTES,
    NpyHeader,
    decode_npy,
    different_planes,
    read_npy_header,
    same_plane,
    samples_of,
    stack_note,
)
from depthpaint.formats.samples import (
    BY_NUMPY,
    Samples,
    bad_shape,
    damaged,
    frame_place,
    max_array_bytes,
    too_many,
    truncated,
)

MAX_MEMBERS = 1_000
MAX_UNPACKED = 4 << 30
"""Bytes of all frames of an array in an archive, of which at most two are in memory."""

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


def decode_npz(name: str, data: bytes, part: str | None, frame: int | None, max_pixels: int) -> Samples:
    """Decode the array `part`, or the only one with the shape and the type of a map; of it, `frame`.

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
        start = _start(name, archive, member)
        header = read_npy_header(f"{name}[{key}]", start, max_pixels, member.file_size)
    else:
        key, header = _only_candidate(name, archive, members, max_pixels)
    member, whole = f"{name}[{key}]", header.planes.count == 1 or not header.planes.along_first
    if whole or header.column_major:
        if members[key].file_size > max_array_bytes(max_pixels):
            raise too_many(member, f"{members[key].file_size:,} bytes of planes", max_array_bytes(max_pixels))
        # Its header was checked against its size.
        content = _unpacked(name, archive, members[key], members[key].file_size)
        samples = decode_npy(member, content, frame, max_pixels)
    else:
        samples = _from_stack(name, archive, members[key], header, frame)
    notes = samples.notes if len(members) == 1 else (f"the archive's array '{key}' is used", *samples.notes)
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
) -> tuple[str, NpyHeader]:
    maps: dict[str, NpyHeader] = {}
    refusals: list[DepthError] = []
    for key, member in members.items():
        try:
            start = _start(name, archive, member)
            maps[key] = read_npy_header(f"{name}[{key}]", start, max_pixels, member.file_size)
        except DepthError as error:
            refusals.append(error)
    keys = [key for key, header in maps.items() if header.kind != "b"] or list(maps)
    keys = [key for key in keys if maps[key].planes.count == 1] or keys
    if len(keys) == 1:
        return keys[0], maps[keys[0]]
    if not keys:
        raise refusals[0]
    raise bad_shape(
        name, f"{len(keys)} arrays that could be the depth: {_listed(keys)}", "select one with --part KEY"
    )


def _from_stack(
    name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, header: NpyHeader, frame: int | None
) -> Samples:
    """One of several planes that lie one after the other, without unpacking all of them to memory."""
    planes, label = header.planes, f"{name}[{member.filename.removesuffix('.npy')}]"
    place = frame_place(label, frame, planes.count)
    if member.file_size > MAX_UNPACKED:
        raise too_many(label, f"{member.file_size:,} bytes of frames", MAX_UNPACKED)
    values: NDArray[Any] | None = None
    length = planes.rows * planes.columns * header.item_bytes
    try:
        with archive.open(member) as file:
            _exactly(name, file, header.offset, member)
            # To the end in any case, where the checksum is verified.
            for k in range(planes.count):
                content = _exactly(name, file, length, member)
                plane = np.frombuffer(content, header.dtype).reshape(planes.rows, planes.columns)
                if k == place:
                    values = plane
                elif frame is None and values is not None and not same_plane(values, plane):
                    raise different_planes(label, header)
            file.read(1)
    except DepthError:
        raise
    except _BROKEN as error:
        raise damaged(name, _KIND, f"'{member.filename[:80]}' cannot be unpacked") from error
    if values is None:  # the count is at least 1, and `place` below it
        raise damaged(name, _KIND, f"'{member.filename[:80]}' holds no plane")
    return samples_of(header, values, stack_note(planes.count, frame))


def _exactly(name: str, file: IO[bytes], length: int, member: zipfile.ZipInfo) -> bytes:
    content = file.read(length)
    if len(content) < length:
        raise truncated(name, _KIND, f"'{member.filename[:80]}' ends too early")
    return content


def _start(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    return _unpacked(name, archive, member, min(member.file_size, MAX_START_BYTES))


def _unpacked(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, length: int) -> bytes:
    """The first `length` bytes of a member; at the member's full length its checksum is verified."""
    try:
        with archive.open(member) as file:
            return _exactly(name, file, length, member)
    except DepthError:
        raise
    except _BROKEN as error:
        raise damaged(name, _KIND, f"'{member.filename[:80]}' cannot be unpacked") from error


def _listed(keys: dict[str, zipfile.ZipInfo] | list[str]) -> str:
    names = [key[:80] for key in keys]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
