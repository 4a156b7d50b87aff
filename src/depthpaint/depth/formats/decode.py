"""The one door to the decoders: which of them reads a file is told by its content."""

from __future__ import annotations

from depthpaint.core.errors import DepthError, ErrorCode, UnsafeFormatError
from depthpaint.depth.formats.npy import decode_npy
from depthpaint.depth.formats.png import decode_png
from depthpaint.depth.formats.samples import FormatName, Samples
from depthpaint.inputs.file_kind import file_kind

_CODES = {
    "empty": ErrorCode.DEPTH_UNREADABLE,
    "damaged": ErrorCode.DEPTH_UNREADABLE,
    "cut": ErrorCode.DEPTH_TRUNCATED,
    "other": ErrorCode.DEPTH_UNSUPPORTED_FORMAT,
}


def decode(name: str, data: bytes, part: str | None = None) -> tuple[FormatName, Samples]:
    """Decode a file of any known format.

    `part` chooses inside a container: the key of an NPZ, the channel of an EXR. Raises DepthError and
    UnsafeFormatError.
    """
    del part
    kind = file_kind(data)
    if kind.verdict == "png":
        return "png", decode_png(name, data)
    if kind.verdict == "npy":
        return "npy", decode_npy(name, data)
    message = f"{name} is {kind.looks_like}"
    if kind.verdict == "pickle":
        raise UnsafeFormatError(message, code=ErrorCode.PICKLE_REFUSED, remedy=kind.remedy, value=name)
    raise DepthError(message, code=_CODES[kind.verdict], remedy=kind.remedy, value=name)
