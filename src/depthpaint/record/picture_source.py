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
from depthpaint.inputs.regular_file import STDIN, read_regular_file
from depthpaint.inputs.size_limit import MAX_PIXELS, max_file_bytes
from depthpaint.record.paths import path_from_text
from depthpaint.record.png_text import picture_bytes
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.request import MAX_OUTPUT_SIDE


def pixels_of(image: Path, formats: tuple[str, ...] = ("PNG",)) -> NDArray[np.uint8]:
    """The pixels (H, W, 3) of a picture in one of Pillow's `formats`, of at most the largest output size.

    Raises RecordError: picture_unreadable for what is no regular file or too large, record_damaged.
    """
    data = picture_bytes(image)
    try:
        with warnings.catch_warnings():
            # Pillow warns of metadata that it cannot read, which nothing here needs.
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(data), formats=formats) as picture:
                size = Extent(*picture.size)
                if size.pixels > MAX_OUTPUT_SIDE**2:
                    raise _too_large(image, size)
                return np.asarray(picture.convert("RGB"))
    except Image.DecompressionBombError as error:
        raise _too_large(image, None) from error
    except RecordError:
        raise
    except Exception as error:  # Pillow's decoders raise anything at damaged files
        raise RecordError(
            f"{image} cannot be read: its pixels are damaged",
            code=ErrorCode.RECORD_DAMAGED,
            value=str(image),
            remedy="use the picture as depthpaint wrote it",
        ) from error


def _too_large(image: Path, size: Extent | None) -> RecordError:
    return RecordError(
        f"{image} is too large: " + (f"{size} are {size.pixels:,} pixels, and " if size else "")
        + f"up to {MAX_OUTPUT_SIDE**2:,} pixels are allowed",
        code=ErrorCode.PICTURE_UNREADABLE,
        value=str(image),
        limit=MAX_OUTPUT_SIDE**2,
        remedy="give a smaller picture",
    )  # fmt: skip


def recorded_depth(
    record: RunRecord, image: Path, said: Path | None = None, max_pixels: int | None = None
) -> Path:
    """The depth file that a picture was painted from: `said`, if that is a file.

    Else the file that the record names, if its bytes are the same: in the folder `said`, from here, or
    beside the picture. Raises DepthError.
    """
    if said is not None and not is_folder(said):
        return said
    named = Path(path_from_text(record.depth.file))
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
