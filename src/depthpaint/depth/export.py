"""Export interpreted depth for other programs: one map, or a sequence with one common range."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode, ParameterError
from depthpaint.core.files import make_folder, write_atomic
from depthpaint.depth.depth_map import DepthMap, DepthReading, DepthSource
from depthpaint.depth.read import AS_IT_IS, read_depth
from depthpaint.formats.samples import FOLDER_ENDINGS

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


def frames_of(folder: Path) -> list[Path]:
    """The depth files of a folder in the order of their numbers ("frame2" before "frame10").

    Raises DepthError if there are none.
    """
    try:
        frames = [
            path for path in folder.iterdir() if path.suffix.lower() in FOLDER_ENDINGS and path.is_file()
        ]
    except OSError as error:
        raise DepthError(
            f"cannot read {folder}: {error.strerror}",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy="give a folder of depth maps",
            value=str(folder),
        ) from error
    if not frames:
        raise DepthError(
            f"{folder} contains no depth map",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy=f"put files with one of these endings in it: {', '.join(sorted(FOLDER_ENDINGS))}",
            value=str(folder),
        )
    return sorted(frames, key=_natural)


def sequence_reading(
    frames: Sequence[Path],
    reading: DepthReading = AS_IT_IS,
    on_frame: Callable[[int], None] | None = None,
    read: Callable[[Path, DepthReading], DepthMap] = read_depth,
) -> DepthReading:
    """Read every frame once and choose a reading that is common to all of them.

    The near end by the sum of the frames' evidence (their log odds), the kind and the colour map by majority,
    the range from the lowest to the highest used in any frame. `on_frame` is called with each frame's number,
    from 1. Raises DepthError if a frame cannot be read.
    """
    sources: list[DepthSource] = []
    for number, frame in enumerate(frames, 1):
        sources.append(read(frame, reading).source)
        if on_frame is not None:
            on_frame(number)
    near = "white" if sum(map(_log_odds, sources)) >= 0 else "black"
    settled = {
        **reading.model_dump(),
        "near": near,
        "kind": _majority([source.kind for source in sources if source.near == near]),
        "colour_map": _majority([source.colour_map for source in sources]),
    }
    if reading.range == "auto" or reading.range == "full":
        ends = [source.used_range for source in sources]
        low, high = min(end[0] for end in ends), max(end[1] for end in ends)
        if low < high:
            settled["range"] = (low, high)
    return DepthReading.model_validate(settled)


def read_sequence(frames: Sequence[Path], reading: DepthReading) -> Iterator[DepthMap]:
    """Every frame under one settled `reading`."""
    return (read_depth(frame, reading) for frame in frames)


def _log_odds(source: DepthSource) -> float:
    near = source.finding("near")
    confidence = min(near.confidence, 0.999) if near is not None else 0.5
    return math.log(confidence / (1 - confidence)) * (1 if source.near == "white" else -1)


def _majority(names: list[str]) -> str:
    return Counter(names).most_common(1)[0][0]


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.name)]
