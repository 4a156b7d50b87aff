"""The one door to the decoders: which of them reads a file is told by its content."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from depthpaint.core.errors import DepthError, ErrorCode, UnsafeFormatError
from depthpaint.formats.exr import decode_exr
from depthpaint.formats.file_kind import file_kind
from depthpaint.formats.foreign import decode_heif
from depthpaint.formats.jpeg import decode_jpeg
from depthpaint.formats.npy import decode_npy, decode_npz
from depthpaint.formats.pfm import decode_pfm
from depthpaint.formats.png import decode_png
from depthpaint.formats.samples import MAX_PIXELS, FormatName, Samples
from depthpaint.formats.tiff import decode_tiff
from depthpaint.formats.webp import decode_webp

Decoder = Callable[[str, bytes, int], Samples]
PartDecoder = Callable[[str, bytes, str | None, int], Samples]

_SINGLE: MappingProxyType[FormatName, Decoder] = MappingProxyType(
    {
        "png": decode_png,
        "jpeg": decode_jpeg,
        "webp": decode_webp,
        "tiff": decode_tiff,
        "npy": decode_npy,
        "pfm": decode_pfm,
        "heif": decode_heif,
    }
)
_CONTAINERS: MappingProxyType[FormatName, PartDecoder] = MappingProxyType(
    {"npz": decode_npz, "exr": decode_exr}
)
_CODES = {
    "empty": ErrorCode.DEPTH_UNREADABLE,
    "damaged": ErrorCode.DEPTH_UNREADABLE,
    "cut": ErrorCode.DEPTH_TRUNCATED,
}


def decode(
    name: str, data: bytes, part: str | None = None, max_pixels: int = MAX_PIXELS
) -> tuple[FormatName, Samples]:
    """Decode a file of any known format.

    `part` chooses inside a container: the key of an NPZ, the channel of an EXR; elsewhere it is an error to
    name one. A map of more than `max_pixels` is refused by its header. Raises DepthError and
    UnsafeFormatError.
    """
    kind = file_kind(data)
    for verdict, decoder in _SINGLE.items():
        if kind.verdict == verdict:
            if part is not None:
                raise _no_parts(name, kind.looks_like, part)
            return verdict, decoder(name, data, max_pixels)
    for verdict, decoder in _CONTAINERS.items():
        if kind.verdict == verdict:
            return verdict, decoder(name, data, part, max_pixels)
    message = f"{name} is {kind.looks_like}"
    if kind.verdict == "pickle":
        raise UnsafeFormatError(message, code=ErrorCode.PICKLE_REFUSED, remedy=kind.remedy, value=name)
    code = _CODES.get(kind.verdict, ErrorCode.DEPTH_UNSUPPORTED_FORMAT)
    raise DepthError(message, code=code, remedy=kind.remedy, value=name)


def _no_parts(name: str, looks_like: str, part: str) -> DepthError:
    return DepthError(
        f"{name} is {looks_like} and has no parts, so none is called '{part[:80]}'",
        code=ErrorCode.DEPTH_BAD_SHAPE,
        remedy="leave --part out",
        value=part[:80],
    )
