"""Formats decoded by C libraries: in a separate process, with limited memory and time."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.geometry import Extent
from depthpaint.core.installation import command_for
from depthpaint.formats.samples import (
    LOSSY_NOTE,
    Quantity,
    Samples,
    check_size,
    damaged,
    gray_or_colours,
    truncated,
    unsupported,
)

SECONDS = 60
# For the interpreter and the library, without a file.
_BASE_BYTES = 1 << 30
_WORKER = Path(__file__).with_name("foreign_worker.py")
# The library for each format, and the extra of depthpaint that installs it.
_EXTRAS = {"exr": ("OpenEXR", "exr"), "heif": ("pillow-heif", "phone"), "tiff": ("Pillow", "")}
# Numeric libraries reserve memory for each processor, which would count against the file's limit.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH")


def decoded_elsewhere(
    name: str,
    data: bytes,
    kind: Literal["exr", "heif", "tiff"],
    options: dict[str, Any],
    unpacked_bytes: int,
) -> tuple[dict[str, Any], list[bytes]]:
    """Decode `data` with the library for `kind` in another process; return its metadata and planes.

    `unpacked_bytes` is the memory allowed for the pixels. Raises DepthError: depth_unreadable for a file
    that the library rejects, crashes on or takes too long for; depth_unsupported_format if it is not
    installed.
    """
    task = {
        "kind": kind,
        "path": [entry for entry in sys.path if entry],
        "memory_bytes": _BASE_BYTES + 3 * unpacked_bytes + 2 * len(data),
        "seconds": SECONDS,
        **options,
    }
    environment = _ENVIRONMENT | {key: os.environ[key] for key in _KEPT if key in os.environ}
    library, extra = _EXTRAS[kind]
    try:
        # -I: ignore the environment and the current folder for imports.
        run = subprocess.run(
            [sys.executable, "-I", str(_WORKER), json.dumps(task)],
            input=data,
            capture_output=True,
            timeout=SECONDS,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise damaged(name, f"{kind.upper()} file", f"reading it takes more than {SECONDS} s") from error
    except OSError as error:
        raise DepthError(
            f"cannot read {name}: a separate process cannot be started",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy="convert it to a 16-bit PNG or to NPY",
            value=name,
        ) from error
    head, planes = _answer(run.stdout)
    if head is None:
        raise damaged(name, f"{kind.upper()} file", f"the library {library} crashed on it")
    if head.get("error") == "missing":
        raise unsupported(
            name,
            f"a file that requires the library {library}",
            f"install it with {command_for(extra)}",
        )
    if "error" in head:
        raise damaged(name, f"{kind.upper()} file", f"the library {library} cannot read it")
    return head, planes


def _answer(output: bytes) -> tuple[dict[str, Any] | None, list[bytes]]:
    """The JSON line and the planes after it; None if incomplete."""
    line, _, content = output.partition(b"\n")
    try:
        head: Any = json.loads(line)
        lengths = [int(length) for length in head["lengths"]] if "lengths" in head else []
    except (ValueError, TypeError, KeyError):
        return None, []
    if not isinstance(head, dict) or sum(lengths) != len(content):
        return None, []
    planes: list[bytes] = []
    start = 0
    for length in lengths:
        planes.append(content[start : start + length])
        start += length
    return cast(dict[str, Any], head), planes


_CLASSES: dict[str, type[ImageFile]] = {"JPEG": JpegImageFile, "WEBP": WebPImageFile}


def decoded(name: str, data: bytes, image_format: Literal["JPEG", "WEBP"]) -> NDArray[Any]:
    """Decode a file of this format only, to (H, W) or (H, W, C) of uint8; raises DepthError.

    The caller has checked the size in the header. A truncated picture is an error.
    """
    kind = f"{image_format} picture"
    try:
        # Only this decoder: choosing another one by content is a known attack. Image.open would apply its own
        # size limit.
        image = _CLASSES[image_format](BytesIO(data))
        image.load()
        return np.asarray(image)
    except (OSError, ValueError, SyntaxError, struct.error, RuntimeError) as error:
        if "truncated" in str(error):
            raise truncated(name, kind) from error
        raise damaged(name, kind, "its pixels cannot be decoded") from error


_KIND = "HEIF picture"
_CHANNELS = {
    "L": 1,
    "L;16": 1,
    "I;16": 1,
    "LA": 2,
    "LA;16": 2,
    "RGB": 3,
    "RGB;16": 3,
    "RGBA": 4,
    "RGBA;16": 4,
}
# libheif's kinds of depth: inverse Z, disparity, Z, and disparity in uneven steps.
_QUANTITIES: dict[int, Quantity] = {0: "disparity", 1: "disparity", 2: "distance", 3: "disparity"}
_BITS_OF_THE_LARGEST = 4 * 2


def decode_heif(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode with libheif in another process; raises DepthError. The library returns it upright."""
    head, planes = decoded_elsewhere(
        name, data, "heif", {"most_pixels": max_pixels}, max_pixels * _BITS_OF_THE_LARGEST
    )
    try:
        width, height = (int(side) for side in head["size"])
        mode, hidden = str(head["mode"]), bool(head["depth"])
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(name, _KIND, "it has no picture") from error
    check_size(name, Extent(width, height), max_pixels)
    channels = _CHANNELS.get(mode)
    if channels is None or len(planes) != 1:
        raise unsupported(name, "a HEIF picture of an unusual kind", "export it as PNG")
    dtype = np.dtype("<u2" if mode.endswith("16") else "u1")
    stride, row = int(head.get("stride", 0)), width * channels * dtype.itemsize
    if stride < row or len(planes[0]) < stride * height:
        raise damaged(name, _KIND, "its number of pixels is wrong")
    lines = np.frombuffer(planes[0], np.uint8, stride * height).reshape(height, stride)[:, :row]
    pixels = np.ascontiguousarray(lines).view(dtype).reshape(height, width, channels)
    opaque = None
    if channels in (2, 4):
        opaque = pixels[..., -1] >= np.iinfo(dtype).max // 2 + 1
    colours = pixels[..., :3] if channels > 2 else pixels[..., 0]
    values = gray_or_colours(colours, lossy=True) if colours.ndim == 3 else colours
    quantity: Quantity | None = None
    notes = [LOSSY_NOTE]
    if hidden:
        notes.insert(0, "the depth map inside the picture is used, not the picture itself")
        kind = head.get("described", {}).get("representation_type")
        quantity = _QUANTITIES.get(kind) if isinstance(kind, int) else None
    return Samples(
        values=values,
        opaque=opaque,
        bits=dtype.itemsize * 8,
        notes=tuple(notes),
        lossy=True,
        quantity=quantity,
        hidden=hidden,
    )
