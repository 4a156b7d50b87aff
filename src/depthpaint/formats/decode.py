"""Decode any source of a depth map: its bytes, with the decoder for their content."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from depthpaint.core.errors import DepthError, ErrorCode, ParameterError, UnsafeFormatError
from depthpaint.core.geometry import Extent
from depthpaint.core.regular_file import read_input, read_stream
from depthpaint.formats.file_kind import FileKind, file_kind
from depthpaint.formats.npy import objects
from depthpaint.formats.samples import (
    ENDINGS,
    MAX_PIXELS,
    FormatName,
    Samples,
    bad_shape,
    bad_type,
    check_size,
    frame_place,
    in_byte_order,
    max_file_bytes,
    unsupported,
)

Source = str | os.PathLike[str] | bytes | bytearray | BinaryIO | NDArray[Any] | Image.Image
BYTES, FILE_OBJECT, ARRAY, IMAGE = "<bytes>", "<file object>", "<array>", "<image>"
IN_MEMORY = {
    BYTES: "bytes in memory",
    FILE_OBJECT: "a file object",
    ARRAY: "an array in memory",
    IMAGE: "an image in memory",
}
"""Placeholder paths of depth maps that were not files, and their descriptions."""
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


def name_of(source: object) -> str:
    """The path of a file, or its placeholder. Raises ParameterError for an unsupported source."""
    if isinstance(source, str | os.PathLike):
        return str(Path(os.fsdecode(cast("str | os.PathLike[str]", source))))
    if isinstance(source, bytes | bytearray):
        return BYTES
    if isinstance(source, np.ndarray):
        return ARRAY
    if isinstance(source, Image.Image):
        return IMAGE
    if hasattr(source, "read"):
        return FILE_OBJECT
    raise ParameterError(
        f"a depth map cannot be read from a value of the type {type(source).__name__}",
        code=ErrorCode.INVALID_PARAMETER,
        remedy="give a path, bytes, a file opened with 'rb', a numpy array (height, width) or a Pillow image",
    )


def bytes_of(source: Source, max_pixels: int) -> bytes:
    """The bytes of a file, of an array as NPY, or of an image as PNG or NPY.

    A file object is read from its position to its end. An array gives the bytes that numpy.save would write.
    Raises DepthError, and ParameterError for an unsupported source.
    """
    name, most = name_of(source), max_file_bytes(max_pixels)
    if isinstance(source, np.ndarray):
        return _npy(name, source)
    if isinstance(source, Image.Image):
        return _image(name, source, max_pixels)
    if isinstance(source, bytes | bytearray):
        return read_stream(BytesIO(source), name, most)
    if isinstance(source, str | os.PathLike):
        return read_input(Path(name), most)
    return read_stream(source, name, most)


def _npy(name: str, array: NDArray[Any]) -> bytes:
    if array.dtype.hasobject:
        raise objects(name)
    if isinstance(array, np.ma.MaskedArray):
        if array.dtype.kind not in "iuf":
            remedy = "convert it: array.astype('float32')"
            raise bad_type(name, f"masked numbers of type '{array.dtype}'", remedy)
        # NaN marks missing measurements in a plain array.
        hidden = np.ma.getmaskarray(array)
        array = np.ma.getdata(array).astype(np.result_type(array.dtype, np.float32))
        array[hidden] = np.nan
    stream = BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _image(name: str, image: Image.Image, max_pixels: int) -> bytes:
    if min(image.size) < 1:
        raise bad_shape(name, "no pixels", "give an image of a depth map")
    check_size(name, Extent(*image.size), max_pixels)
    try:
        # Upright, as files are read.
        upright = ImageOps.exif_transpose(image)
        if image.mode == "F" or image.mode.startswith("I"):
            return _npy(name, np.asarray(upright))
        if image.mode not in _PNG_MODES:
            raise unsupported(name, f"of the mode {image.mode}", "convert it: image.convert('RGB')")
        stream = BytesIO()
        upright.save(stream, "PNG", compress_level=1)
    except (DepthError, MemoryError):
        raise
    except Exception as error:  # Pillow raises all kinds of exceptions for damaged files
        raise DepthError(
            f"{name} cannot be read: {str(error) or 'its file is closed'}",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy="give an open, complete image, or the path of its file",
        ) from error
    return stream.getvalue()


_FRAMES: frozenset[FormatName] = frozenset(("tiff", "npy"))
_CONTAINERS: frozenset[FormatName] = frozenset(("npz", "exr"))
_MODULES: dict[FormatName, str] = {
    "heif": "foreign", "pfm": "text_header", "pgm": "text_header", "colmap": "text_header",
}  # fmt: skip
"""The modules of decoders, where they are not called like their format."""


def _decoder(form: FormatName) -> Callable[..., Samples]:
    """The decoder of a format. It is imported when a file needs it."""
    module = import_module(f"depthpaint.formats.{_MODULES.get(form, form)}")
    return getattr(module, f"decode_{form}")


_CODES = {
    "empty": ErrorCode.DEPTH_UNREADABLE,
    "damaged": ErrorCode.DEPTH_UNREADABLE,
    "cut": ErrorCode.DEPTH_TRUNCATED,
}


def decode(
    name: str,
    data: bytes,
    part: str | None = None,
    max_pixels: int = MAX_PIXELS,
    frame: int | None = None,
) -> tuple[FormatName, Samples]:
    """Decode a file of any known format.

    `part` selects from a container: the key of an NPZ, the channel of an EXR; it is an error for other
    formats. `frame` selects a plane of an array, a page of a TIFF or a part of an EXR, from 0. A map of more
    than `max_pixels` is rejected by its header. Raises DepthError and UnsafeFormatError.
    """
    kind = file_kind(data)
    form: FormatName | None = next((form for form in ENDINGS if form == kind.verdict), None)
    if form is None:
        raise _refused(name, kind)
    if form in _CONTAINERS:
        samples = _decoder(form)(name, data, part, frame, max_pixels)
    elif part is not None:
        raise _no_parts(name, kind.looks_like, part)
    elif form in _FRAMES:
        samples = _decoder(form)(name, data, frame, max_pixels)
    else:
        # Of an animation, only the first frame can be read.
        frame_place(name, frame, 1)
        samples = _decoder(form)(name, data, max_pixels)
    return form, in_byte_order(samples)


def _refused(name: str, kind: FileKind) -> DepthError | UnsafeFormatError:
    message = f"{name} is {kind.looks_like}"
    if kind.verdict == "pickle":
        return UnsafeFormatError(message, code=ErrorCode.PICKLE_REFUSED, remedy=kind.remedy, value=name)
    code = _CODES.get(kind.verdict, ErrorCode.DEPTH_UNSUPPORTED_FORMAT)
    return DepthError(message, code=code, remedy=kind.remedy, value=name)


def _no_parts(name: str, looks_like: str, part: str) -> DepthError:
    return DepthError(
        f"{name} is {looks_like} and has no parts, so there is no part '{part[:80]}'",
        code=ErrorCode.DEPTH_BAD_SHAPE,
        remedy="leave --part out",
        value=part[:80],
    )
