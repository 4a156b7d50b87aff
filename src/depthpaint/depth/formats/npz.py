"""An NPZ archive: the one array in it that can be a depth map, or the one that was asked for.

Format: NPY files in a ZIP archive, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. No
array is unpacked before its header has been read and held against the size that the archive announces, and no
pickle is read at all.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import replace
from io import BytesIO

from depthpaint.core.errors import DepthError, ErrorCode, UnsafeFormatError
from depthpaint.depth.formats.npy import decode_npy
from depthpaint.depth.formats.samples import Samples
from depthpaint.inputs.npy_header import MAX_START_BYTES, NpyHeader, read_npy_header
from depthpaint.inputs.refusal import BY_NUMPY, bad_shape, damaged, too_many, truncated

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
    """Decode the array `part`, or the only one that has the shape and the type of a map.

    Masks (bool) and what is no map (camera matrices, texts, points) are passed over. A key with "disp" in it
    says that the numbers are disparity; "depth" and "z" say nothing, because people call both kinds so.
    Raises DepthError and UnsafeFormatError.
    """
    archive = _opened(name, data)
    members = _members(name, archive)
    if part is not None:
        key = part.removesuffix(".npy")
        if key not in members:
            raise bad_shape(
                name, f"no array '{part[:80]}'", f"name one of its keys with --part: {_listed(members)}"
            )
        member = members[key]
        read_npy_header(f"{name}[{key}]", _start(name, archive, member), max_pixels, member.file_size)
    else:
        key = _only_candidate(name, archive, members, max_pixels)
    # Its header has been held against its size, so that this is no more than max_pixels numbers.
    content = _unpacked(name, archive, members[key], members[key].file_size)
    samples = decode_npy(f"{name}[{key}]", content, max_pixels)
    notes = () if len(members) == 1 else (f"the archive's array '{key}' is used",)
    disparity = "disparity" if "disp" in key.lower() else None
    return replace(samples, notes=notes, quantity=disparity, part=key)


def _opened(name: str, data: bytes) -> zipfile.ZipFile:
    # Counted in the raw bytes, because listing the members of a hostile archive is itself the cost.
    if data.count(_DIRECTORY_ENTRY) > MAX_MEMBERS:
        raise too_many(name, f"more than {MAX_MEMBERS:,} files", MAX_MEMBERS)
    try:
        return zipfile.ZipFile(BytesIO(data))
    except _BROKEN as error:
        if b"PK\x05\x06" not in data[-65_600:]:
            raise truncated(name, _KIND, "its table of contents, which comes last, is missing") from error
        raise damaged(name, _KIND, "its table of contents makes no sense") from error


def _members(name: str, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The arrays by their keys, none of them touched yet."""
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
        # Objects are told first: they are why the file is dangerous, and not only unfit.
        raise next((error for error in refusals if isinstance(error, UnsafeFormatError)), refusals[0])
    raise bad_shape(
        name, f"{len(keys)} arrays that could be the depth: {_listed(keys)}", "name one with --part KEY"
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
