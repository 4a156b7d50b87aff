"""The one way into Pillow's decoders: one format at a time, and its errors as ours."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

from depthpaint.inputs.refusal import damaged, truncated

_CLASSES: dict[str, type[ImageFile]] = {"JPEG": JpegImageFile, "WEBP": WebPImageFile}

LOSSY_NOTE = "the file went through lossy compression, which blurs edges of depth and adds ripples"
LOSSY_TOLERANCE = 2
"""How far apart equal channels come back from the conversion to luminance and colour."""


def decoded(name: str, data: bytes, image_format: Literal["JPEG", "WEBP"]) -> NDArray[Any]:
    """Decode a file of this format, and of no other, to (H, W) or (H, W, C) of uint8; raises DepthError.

    The caller has checked the size in the header. A picture that ends too early is an error.
    """
    kind = f"{image_format} picture"
    try:
        # Only this one: another decoder behind a name is how image libraries are attacked. Image.open would
        # judge the size by a limit of its own.
        image = _CLASSES[image_format](BytesIO(data))
        image.load()
        return np.asarray(image)
    except (OSError, ValueError, SyntaxError, struct.error, RuntimeError) as error:
        if "truncated" in str(error):
            raise truncated(name, kind) from error
        raise damaged(name, kind, "its pixels cannot be decoded") from error
