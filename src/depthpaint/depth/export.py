"""Export interpreted depth for other programs."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.files import make_folder, write_atomic
from depthpaint.depth.depth_map import DepthMap

ENDINGS = (".png", ".npy", ".exr")


def save_depth(depth: DepthMap, path: Path, *, overwrite: bool = False) -> Path:
    """Write disparity (H, W) in [0, 1], 1 = nearest, to `path`, in the format of its ending.

    .png is 16-bit gray, .npy and .exr (channel Z) are float32; invalid pixels have their filled value.
    Raises ParameterError for another ending, OutputError if the file cannot be written.
    """
    encoders = {".png": _png, ".npy": _npy, ".exr": _exr}
    encode = encoders.get(path.suffix.lower())
    if encode is None:
        raise ParameterError(
            f"depth cannot be written as '{path.suffix}'",
            code=ErrorCode.INVALID_PARAMETER,
            remedy=f"choose one of {', '.join(ENDINGS)}",
            value=path.suffix,
        )
    make_folder(path.parent)
    write_atomic(path, encode(depth), overwrite=overwrite)
    return path


def preview_path(path: Path) -> Path:
    """Where the preview of a depth file is saved."""
    return path.with_name(f"{path.stem}-understood.png")


def preview_png(depth: DepthMap, longest: int = 1024) -> bytes:
    """An 8-bit PNG for viewing: near is white, unknown pixels dark red; sides of at most `longest` pixels."""
    gray = np.rint(depth.values * 255).astype(np.uint8)
    colours = np.stack([gray, gray, gray], axis=-1)
    colours[~depth.valid] = (96, 16, 16)
    picture = Image.fromarray(colours)
    picture.thumbnail((longest, longest), Image.Resampling.BOX)
    stream = BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _png(depth: DepthMap) -> bytes:
    stream = BytesIO()
    Image.fromarray(np.rint(depth.values.astype(np.float64) * 65_535).astype(np.uint16)).save(stream, "PNG")
    return stream.getvalue()


def _npy(depth: DepthMap) -> bytes:
    stream = BytesIO()
    np.save(stream, depth.values, allow_pickle=False)
    return stream.getvalue()


def _exr(depth: DepthMap) -> bytes:
    from depthpaint.formats.exr_lines import write_exr_depth

    return write_exr_depth(depth.values)
