"""A painted picture's pixels, and the depth map that it was painted from."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from depthpaint.core.errors import DepthError, ErrorCode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from depthpaint.record.run_record import RunRecord


def pixels_of(image: Path, formats: tuple[str, ...] = ("PNG",)) -> NDArray[np.uint8]:
    """The pixels (H, W, 3) of a picture in one of Pillow's `formats`. Raises DepthError record_damaged."""
    import numpy as np
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # A picture so large that Pillow warns of it is none of ours.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(image, formats=formats) as picture:
                return np.asarray(picture.convert("RGB"))
    except (
        OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning,
    ) as error:  # fmt: skip
        raise DepthError(
            f"{image} cannot be read: its pixels are damaged",
            code=ErrorCode.RECORD_DAMAGED,
            remedy="use the picture as depthpaint wrote it",
        ) from error


def recorded_depth(record: RunRecord, image: Path, said: Path | None = None) -> Path:
    """The depth file that a picture was painted from: `said`, if that is a file.

    Else the file that the record names, if its bytes are the same: in the folder `said`, from here, or
    beside the picture. Raises DepthError.
    """
    if said is not None and not said.is_dir():
        return said
    named = Path(record.depth.file)
    places = [named, image.parent / named.name]
    found = [path for path in ([said / named.name] if said else []) + places if path.is_file()]
    for path in found:
        if _digest(path) == record.digests.depth:
            return path
    raise DepthError(
        f"the depth map {named} of {image} {'has changed since' if found else 'is not here'}",
        code=ErrorCode.DEPTH_UNREADABLE,
        value=str(named),
        remedy="name the map, or the folder that it lies in, with --depth",
    )


def _digest(path: Path) -> str:
    from depthpaint.core.files import sha256_of

    try:
        return sha256_of(path)
    except OSError as error:
        raise DepthError(
            f"cannot read {path}: {error.strerror}",
            code=ErrorCode.DEPTH_UNREADABLE,
            value=str(path),
            remedy="name a map that can be read with --depth",
        ) from error
