"""The one gate through which a depth file becomes a DepthMap."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode, InternalError, OutOfMemory, printable
from depthpaint.core.geometry import Extent
from depthpaint.depth.depth_map import DepthMap, DepthSource
from depthpaint.depth.finding import LEAST_CONFIDENCE
from depthpaint.depth.formats.decode import decode
from depthpaint.depth.formats.samples import FormatName
from depthpaint.depth.photo import Estimate, Estimating, estimated
from depthpaint.depth.reading import DepthReading
from depthpaint.depth.understand import Understood, understand
from depthpaint.inputs.regular_file import STDIN, read_input
from depthpaint.inputs.size_limit import max_file_bytes

AS_IT_IS = DepthReading()
_ENDINGS: dict[FormatName, tuple[str, ...]] = {
    "jpeg": (".jpg", ".jpeg", ".jpe"), "tiff": (".tif", ".tiff"), "heif": (".heic", ".heif"),
}  # fmt: skip


def read_depth(
    path: str | os.PathLike[str], reading: DepthReading = AS_IT_IS, estimate: Estimating | None = None
) -> DepthMap:
    """Read a depth map of any known format, told by its content, as disparity in [0, 1] with 1 = nearest.

    `path` may be "-" for standard input. `reading` is what the user says of the file; the rest is concluded,
    and `source.findings` say how surely. `estimate` is called where it says "from_photo". Raises DepthError,
    UnsafeFormatError, OutOfMemory, and what `estimate` raises.
    """
    try:
        return _read(Path(path), reading, estimate)
    except MemoryError as error:
        raise OutOfMemory(
            f"there is not enough memory to read {path}",
            code=ErrorCode.OUT_OF_MEMORY,
            remedy="make the depth map smaller",
            value=str(path),
        ) from error


def require_certain(source: DepthSource) -> None:
    """Raise DepthError depth_ambiguous unless the near end is known well enough to paint from."""
    near = source.finding("near")
    if near is None or near.confidence >= LEAST_CONFIDENCE:
        return
    raise DepthError(
        f"{source.path}: which end of the map is near cannot be told ({near.value} with a confidence of "
        f"{near.confidence:.0%}; {LEAST_CONFIDENCE:.0%} are needed: {near.evidence})",
        code=ErrorCode.DEPTH_AMBIGUOUS,
        remedy="say it with --near white or --near black",
        value=round(near.confidence, 3),
        limit=LEAST_CONFIDENCE,
    )


def _read(path: Path, reading: DepthReading, estimate: Estimating | None) -> DepthMap:
    name = "standard input" if str(path) == STDIN else str(path)
    data = read_input(path, max_file_bytes(reading.max_pixels))
    digest = hashlib.sha256(data).hexdigest()
    file_format, samples = decode(name, data, reading.part, reading.max_pixels)
    del data  # a large file would otherwise stay in memory beside its numbers
    seen = None
    if reading.from_photo is not None:
        samples, seen = estimated(name, samples, reading.from_photo, reading, estimate or _nobody)
    found = understand(name, samples, reading)
    height, width = found.values.shape
    source = DepthSource(
        path=str(path),
        sha256=digest,
        format=file_format,
        size=Extent(width, height),
        container_bits=samples.bits,
        bits_used=(found.levels - 1).bit_length(),
        levels=found.levels,
        colour_map=found.colour_map,
        near=found.meaning.near,
        kind=found.meaning.kind,
        metres=found.meaning.metres,
        raw_range=found.raw_range,
        used_range=found.used_range,
        far_over_near=found.far_over_near,
        invalid_share=1 - float(found.valid.mean()),
        findings=found.findings,
        reading=_settled(reading, found),
        estimator="" if seen is None else seen.estimator,
        estimator_revision="" if seen is None else seen.revision,
        estimator_sha256="" if seen is None else seen.weights_sha256,
        notes=(*_name_note(path, file_format), *samples.notes, *found.notes),
    )
    return DepthMap(values=found.values, valid=found.valid, source=source)


def _nobody(estimator: str, picture: NDArray[np.uint8]) -> Estimate:
    raise InternalError(
        f"nobody is here to run the estimator {estimator} on a picture of {picture.shape}",
        code=ErrorCode.INTERNAL,
        remedy="give read_depth an estimate function",
    )


def _settled(reading: DepthReading, found: Understood) -> DepthReading:
    """`reading` with what was concluded in the place of "auto": another version concludes nothing anew."""
    return DepthReading.model_validate(
        {
            **reading.model_dump(),
            "near": found.meaning.near,
            "holes": reading.fill,
            "kind": found.meaning.kind,
            "colour_map": found.colour_map,
            "range": found.used_range if _exact(found.used_range) else reading.range,
        }
    )


def _exact(ends: tuple[float, float]) -> bool:
    """Whether floats hold both ends as they are stored: 64-bit integers may be too long for them."""
    return ends[0] < ends[1] and max(map(abs, ends)) < 2**53


def _name_note(path: Path, file_format: FormatName) -> list[str]:
    ending = path.suffix.lower()
    if ending in ("", *_ENDINGS.get(file_format, (f".{file_format}",))):
        return []
    return [f"the file is {file_format.upper()} although its name ends in {printable(ending)}"]
