"""The pixels of a painted picture, and the files that it was painted from."""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.files import is_file, is_folder
from depthpaint.core.geometry import Extent
from depthpaint.core.regular_file import STDIN, input_digest
from depthpaint.formats.decode import ARRAY, IN_MEMORY
from depthpaint.formats.file_kind import file_kind
from depthpaint.formats.jpeg_segments import read_jpeg_segments
from depthpaint.formats.png import png_content, read_png_header
from depthpaint.formats.samples import MAX_PIXELS, UPRIGHT, max_file_bytes, upright
from depthpaint.formats.webp import read_webp_chunks
from depthpaint.record.embedded import unreadable
from depthpaint.record.file_format import FORMATS, FileFormat
from depthpaint.record.paths import path_from_text
from depthpaint.record.picture_file import encoded, picture_bytes, picture_digest, read_record
from depthpaint.record.run_record import RecordError, RunRecord, pixels_sha256
from depthpaint.request import MAX_OUTPUT_SIDE

MAX_PICTURE_PIXELS = MAX_OUTPUT_SIDE**2


def pixels_of(image: Path) -> NDArray[np.uint8]:
    """The pixels (H, W, 3) of a PNG, JPEG or WebP, upright, as viewers show it.

    16-bit values are reduced to their high byte. Raises RecordError picture_unreadable if it is not a regular
    file, of another format, damaged, or larger than the largest output.
    """
    return decoded(str(image), picture_bytes(image))


def decoded(name: str, data: bytes) -> NDArray[np.uint8]:
    """As `pixels_of`, for the content of the file `name`."""
    return decoded_picture(name, data).pixels


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """Pixels (H, W, 3), and the opacity (H, W) of each, 255 = opaque; None if it was not read."""

    pixels: NDArray[np.uint8]
    opacity: NDArray[np.uint8] | None


def decoded_picture(name: str, data: bytes, *, transparent: bool = False) -> DecodedPicture:
    """As `decoded`; with its opacity if it is to be `transparent`."""
    try:
        kind, plain, orientation = _plain(name, data, transparent=transparent)
        del data  # frees the file's content while the pixels are decoded
        with warnings.catch_warnings():
            # The size was checked in the header; Pillow would warn by its own limit.
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(plain), formats=(kind,)) as picture:
                pixels = upright(_eight_bits(picture), orientation)
                opacity = _opacity(picture) if transparent else None
    except DepthError as error:
        raise unreadable(error.message, name) from error
    except RecordError:
        raise
    except Exception as error:  # Pillow raises all kinds of exceptions for damaged files
        raise unreadable(f"{name} cannot be read: its pixels are damaged", name) from error
    pixels = np.ascontiguousarray(pixels)
    return DecodedPicture(pixels, None if opacity is None else upright(opacity, orientation))


def in_format(picture: Path, form: FileFormat) -> bytes:
    """The file of a PNG that depthpaint wrote, or the same picture with its record in another format.

    Raises RecordError.
    """
    if form.name == "png":
        return picture_bytes(picture)
    return encoded(read_record(picture), pixels_of(picture), form)[0]


def is_as_painted(image: Path, record: RunRecord, pixels: NDArray[np.uint8]) -> bool:
    """Whether a picture holds what was written: editors may change the pixels and keep the record.

    A JPEG or WebP is compared by its compressed pixels, because decoders may differ. Raises RecordError.
    """
    if record.compression is None:
        return pixels_sha256(pixels) == record.digests.picture
    try:
        _, plain, orientation = _plain(str(image), picture_bytes(image))
    except DepthError as error:
        raise unreadable(error.message, str(image)) from error
    return orientation == UPRIGHT and hashlib.sha256(plain).hexdigest() == record.compression.sha256


def _plain(name: str, data: bytes, *, transparent: bool = False) -> tuple[str, bytes, int]:
    """Pillow's name of the format, the file without metadata, and EXIF's orientation.

    Pillow would parse the metadata. Raises DepthError and RecordError.
    """
    kind = file_kind(data)
    if kind.verdict == "png":
        header = read_png_header(name, data)
        _require_size(name, header.size)
        content = png_content(name, data, header, MAX_PICTURE_PIXELS)
        return "PNG", content.rebuilt(transparent=transparent), content.orientation
    if kind.verdict not in FORMATS:
        raise unreadable(f"{name} is {kind.looks_like}, not a PNG, JPEG or WebP picture", name)
    chunks = read_jpeg_segments(name, data) if kind.verdict == "jpeg" else read_webp_chunks(name, data)
    _require_size(name, chunks.size)
    return kind.verdict.upper(), chunks.plain, chunks.orientation


def _eight_bits(picture: Image.Image) -> NDArray[np.uint8]:
    """The pixels (H, W, 3); transparency is dropped."""
    if picture.mode.startswith("I"):  # Pillow's conversion would clip at 255
        gray = (np.asarray(picture) >> 8).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)
    return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _opacity(picture: Image.Image) -> NDArray[np.uint8] | None:
    """The alpha channel (H, W), or what a transparent colour comes to; None if there is neither."""
    if not picture.has_transparency_data:
        return None
    return np.asarray(picture.convert("RGBA").getchannel("A"))


def _require_size(name: str, size: Extent) -> None:
    if size.pixels > MAX_PICTURE_PIXELS:
        raise RecordError(
            f"{name} is too large: {size} is {size.pixels:,} pixels, the limit is {MAX_PICTURE_PIXELS:,}",
            code=ErrorCode.PICTURE_UNREADABLE,
            value=name,
            limit=MAX_PICTURE_PIXELS,
            remedy="give a smaller picture",
        )


def recorded_depth(
    record: RunRecord, image: Path, given: Path | None = None, max_pixels: int | None = None
) -> Path:
    """The depth file that a picture was painted from: `given`, if that is a file.

    Otherwise the file that the record names, if its digest matches: in the folder `given`, at the recorded
    place relative to the picture or to the working folder, or beside the picture. Raises DepthError, also if
    the depth map was not a file.
    """
    if given is not None and not is_folder(given):
        return given
    named = Path(path_from_text(record.depth.file))
    if str(named) in IN_MEMORY:
        raise _never_a_file(image, str(named))
    most = max_file_bytes(max_pixels or MAX_PIXELS)
    existing = _existing(named, image, given)
    for path in existing:
        if input_digest(path, most) == record.digests.depth:
            # The path of a file named "-", so that it is not taken for standard input.
            return path.absolute() if os.fspath(path) == STDIN else path
    raise DepthError(
        f"the depth map {named} of {image} {'has changed since' if existing else 'was not found'}",
        code=ErrorCode.DEPTH_UNREADABLE,
        value=str(named),
        remedy="give the depth map, or the folder that contains it, with --depth",
    )


def recorded_init(record: RunRecord, image: Path, given: Path | None = None) -> Path | None:
    """The picture that a picture was started from, found as its depth map is; None if there was none.

    Raises RecordError picture_unreadable.
    """
    if record.settings.init is None:
        return None
    if given is not None and not is_folder(given):
        return given
    named = Path(path_from_text(record.settings.init))
    existing = _existing(named, image, given)
    for path in existing:
        if picture_digest(path) == record.digests.init:
            return path
    raise RecordError(
        f"the picture {named}, from which {image} was started, "
        f"{'has changed since' if existing else 'was not found'}",
        code=ErrorCode.PICTURE_UNREADABLE,
        value=str(named),
        remedy="give it, or the folder that contains it, with --init",
    )


def _existing(named: Path, image: Path, given: Path | None) -> list[Path]:
    """The files at the places where an input of `image` may be, the likeliest first."""
    inside = [given / named.name] if given else []
    candidates = [*inside, image.parent / named, named, image.parent / named.name]
    return [_without_up(path) for path in candidates if is_file(path)]


def _without_up(path: Path) -> Path:
    """The path without "..", relative to the working folder if it is below it."""
    if ".." not in path.parts:
        return path
    here, real = os.path.realpath(Path.cwd()), Path(os.path.realpath(path.parent)) / path.name
    return real.relative_to(here) if real.is_relative_to(here) else real


def _never_a_file(image: Path, name: str) -> DepthError:
    saving = (
        "save the array with numpy.save(FILE, array), then" if name == ARRAY else "save the depth map, then"
    )
    return DepthError(
        f"the depth map of {image} was {IN_MEMORY[name]}, not a file",
        code=ErrorCode.DEPTH_UNREADABLE,
        value=name,
        remedy=f"{saving}, then give that file with --depth",
    )
