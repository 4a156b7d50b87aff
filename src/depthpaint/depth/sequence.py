"""A folder of depth maps as one sequence: one range for all, so that a film does not flicker."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.depth_map import DepthMap, DepthSource
from depthpaint.depth.read import AS_IT_IS, read_depth
from depthpaint.depth.reading import DepthReading

_FRAMES = frozenset({
    ".png", ".npy", ".npz", ".exr", ".tif", ".tiff", ".pfm", ".webp", ".jpg", ".jpeg", ".heic", ".heif",
})  # fmt: skip


def frames_of(folder: Path) -> list[Path]:
    """The depth files of a folder in the order of their numbers ("frame2" before "frame10").

    Raises DepthError where there are none.
    """
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in _FRAMES and path.is_file()]
    except OSError as error:
        raise DepthError(
            f"cannot read {folder}: {error.strerror}",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy="name a folder of depth maps",
            value=str(folder),
        ) from error
    if not found:
        raise DepthError(
            f"{folder} holds no depth map",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy=f"put files in it that end in one of {', '.join(sorted(_FRAMES))}",
            value=str(folder),
        )
    return sorted(found, key=_natural)


def sequence_reading(
    frames: Sequence[Path],
    reading: DepthReading = AS_IT_IS,
    on_frame: Callable[[int], None] | None = None,
    read: Callable[[Path, DepthReading], DepthMap] = read_depth,
) -> DepthReading:
    """Read every frame once and settle what holds for all of them.

    The near end by the sum of the frames' evidence (their log odds), the kind and the colour map by their
    majority, the range from the least to the greatest that any frame uses. `on_frame` is told each frame's
    number, from 1. Raises DepthError where a frame cannot be read.
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
    found = source.finding("near")
    confidence = min(found.confidence, 0.999) if found is not None else 0.5
    return math.log(confidence / (1 - confidence)) * (1 if source.near == "white" else -1)


def _majority(names: list[str]) -> str:
    return Counter(names).most_common(1)[0][0]


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.name)]
