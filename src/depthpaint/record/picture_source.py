"""A painted picture's pixels, and the depth map that it was painted from."""

from __future__ import annotations

import hashlib
import os
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.files import is_file, is_folder
from depthpaint.core.geometry import Extent
from depthpaint.core.regular_file import STDIN, read_regular_file
from depthpaint.formats.decode import ARRAY, IN_MEMORY
from depthpaint.formats.file_kind import file_kind
from depthpaint.formats.jpeg_segments import read_jpeg_segments
from depthpaint.formats.png import png_content, read_png_header
from depthpaint.formats.samples import MAX_PIXELS, max_file_bytes, orientation_of, upright
from depthpaint.formats.webp import read_webp_chunks
from depthpaint.record.paths import path_from_text
from depthpaint.record.picture_file import picture_bytes
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.request import MAX_OUTPUT_SIDE

MAX_PICTURE_PIXELS = MAX_OUTPUT_SIDE**2


def pixels_of(image: Path, formats: tuple[str, ...] = ("PNG",)) -> NDArray[np.uint8]:
    """The pixels (H, W, 3) of a picture in one of Pillow's `formats`, upright, as viewers show it.

    Of 16 bits the high byte is taken. Raises RecordError picture_unreadable for what is no regular file, of
    another format, damaged, or larger than the largest output.
    """
    data = picture_bytes(image)
    try:
        plain, exif = _plain(image, data, formats)
        del data  # The picture would otherwise stay in memory beside its pixels.
        with warnings.catch_warnings():
            # The size was judged by the header; Pillow warns by a limit of its own.
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(plain), formats=formats) as picture:
                pixels = upright(_eight_bits(picture), orientation_of(exif))
    except DepthError as error:
        raise _unreadable(error.message, image) from error
    except RecordError:
        raise
    except Exception as error:  # Pillow's decoders raise anything at damaged files
        raise _unreadable(f"{image} cannot be read: its pixels are damaged", image) from error
    return np.ascontiguousarray(pixels)


def _plain(image: Path, data: bytes, formats: tuple[str, ...]) -> tuple[bytes, bytes]:
    """The file without its metadata, all of which Pillow would read, and its EXIF.

    Raises DepthError and RecordError.
    """
    name, kind = str(image), file_kind(data)
    if kind.verdict.upper() not in formats:
        raise _unreadable(f"{image} is {kind.looks_like}, and no picture in {' or '.join(formats)}", image)
    if kind.verdict == "png":
        header = read_png_header(name, data)
        _require_size(image, header.size)
        content = png_content(name, data, header, MAX_PICTURE_PIXELS)
        return content.rebuilt(), content.exif
    chunks = read_jpeg_segments(name, data) if kind.verdict == "jpeg" else read_webp_chunks(name, data)
    _require_size(image, chunks.size)
    return chunks.plain, chunks.exif


def _eight_bits(picture: Image.Image) -> NDArray[np.uint8]:
    """The pixels (H, W, 3); transparency is dropped."""
    if picture.mode.startswith("I"):  # Pillow would cut such values at 255.
        gray = (np.asarray(picture) >> 8).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)
    return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _require_size(image: Path, size: Extent) -> None:
    if size.pixels > MAX_PICTURE_PIXELS:
        raise RecordError(
            f"{image} is too large: {size} are {size.pixels:,} pixels, and up to {MAX_PICTURE_PIXELS:,} "
            "pixels are allowed",
            code=ErrorCode.PICTURE_UNREADABLE,
            value=str(image),
            limit=MAX_PICTURE_PIXELS,
            remedy="give a smaller picture",
        )


def _unreadable(message: str, image: Path) -> RecordError:
    return RecordError(
        message,
        code=ErrorCode.PICTURE_UNREADABLE,
        value=str(image),
        remedy="use the picture as it was written, or save it anew with an image program",
    )


def recorded_depth(
    record: RunRecord, image: Path, said: Path | None = None, max_pixels: int | None = None
) -> Path:
    """The depth file that a picture was painted from: `said`, if that is a file.

    Else the file that the record names, if its bytes are the same: in the folder `said`, from here, or
    beside the picture. Raises DepthError, also where the depth map was no file.
    """
    if said is not None and not is_folder(said):
        return said
    named = Path(path_from_text(record.depth.file))
    if str(named) in IN_MEMORY:
        raise _never_a_file(image, str(named))
    looked = [*([said / named.name] if said else []), named, image.parent / named.name]
    found = [path for path in looked if is_file(path)]
    most = max_file_bytes(max_pixels or MAX_PIXELS)
    for path in found:
        if hashlib.sha256(read_regular_file(path, most)).hexdigest() == record.digests.depth:
            # A file of this name, not standard input, which only a person can mean.
            return path.absolute() if os.fspath(path) == STDIN else path
    raise DepthError(
        f"the depth map {named} of {image} {'has changed since' if found else 'is not here'}",
        code=ErrorCode.DEPTH_UNREADABLE,
        value=str(named),
        remedy="name the map, or the folder that it lies in, with --depth",
    )


def _never_a_file(image: Path, name: str) -> DepthError:
    saving = (
        "save the array with numpy.save(FILE, array), then" if name == ARRAY else "save the depth map, then"
    )
    return DepthError(
        f"the depth map of {image} was {IN_MEMORY[name]}, not a file",
        code=ErrorCode.DEPTH_UNREADABLE,
        value=name,
        remedy=f"{saving}, then name that file with --depth",
    )
