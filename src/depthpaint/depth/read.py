"""Read a depth file, or estimate the depth of a photo: the one way to a DepthMap."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode, InternalError, OutOfMemory, printable
from depthpaint.core.geometry import Extent
from depthpaint.core.regular_file import STDIN
from depthpaint.depth.depth_map import LEAST_CONFIDENCE, DepthMap, DepthReading, DepthSource
from depthpaint.depth.understand import Understood, understand
from depthpaint.formats.decode import Source, bytes_of, decode, name_of
from depthpaint.formats.foreign import LOSSY_NOTE
from depthpaint.formats.samples import FormatName, Quantity, Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What an estimator saw: float32 (H, W), disparity on a scale of its own or distance in metres.

    `estimator` is its name, `revision` the commit that its weights are from ("" where none is known);
    `caution` a clause that follows its name where a person must know more of it.
    """

    values: NDArray[np.float32]
    quantity: Quantity
    estimator: str
    revision: str
    weights_sha256: str
    caution: str = ""


Estimating = Callable[[str, NDArray[np.uint8]], Estimate]
"""Takes an estimator's name or folder, and a picture (H, W, 3)."""


def estimated(
    name: str, samples: Samples, estimator: str, reading: DepthReading, estimate: Estimating
) -> tuple[Samples, Estimate]:
    """Let `estimator` see depth in a photo; raises DepthError for what is none."""
    picture, notes = _picture(name, samples)
    seen = estimate(estimator, np.ascontiguousarray(picture))
    _require_no_other_word(reading, seen)
    by_whom = f"{seen.estimator}, {seen.caution}" if seen.caution else seen.estimator
    return Samples(
        values=seen.values, opaque=samples.opaque, bits=32, quantity=seen.quantity,
        metres=1.0 if seen.quantity == "distance" else None,
        notes=(*notes, f"the depth is estimated from a photo by {by_whom}"), stated_by=seen.estimator,
    ), seen  # fmt: skip


def _picture(name: str, samples: Samples) -> tuple[NDArray[np.uint8], list[str]]:
    """The photo as bytes (H, W, 3), and what is worth telling of it."""
    picture = samples.values
    # What lossy compression did to the photo is not what it does to depth.
    notes = [note for note in samples.notes if note != LOSSY_NOTE]
    if samples.hidden:
        raise DepthError(
            f"{name} brings a depth map of its own",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="leave --from-photo out to paint from it, or save the photo anew without it",
            value=name,
        )
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
        notes.append("the photo's 16 bits are read at 8, as the estimator was trained")
    if picture.dtype != np.uint8:
        raise DepthError(
            f"{name} is no photo: its numbers are {picture.dtype}",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="leave --from-photo out: it is for pictures that hold no depth",
            value=str(picture.dtype),
        )
    return picture, notes


def _require_no_other_word(reading: DepthReading, seen: Estimate) -> None:
    """Refuse what is said of numbers in a file where an estimator states what its numbers are."""
    flag = "--unit" if reading.unit != "auto" else "--kind"
    if reading.unit != "auto" or reading.kind not in ("auto", seen.quantity):
        raise DepthError(
            f"{flag} is about numbers in a file, and {seen.estimator} states that it sees {seen.quantity}",
            code=ErrorCode.INVALID_PARAMETER,
            remedy=f"leave {flag} out",
            value=reading.unit if flag == "--unit" else reading.kind,
        )


AS_IT_IS = DepthReading()
_ENDINGS: dict[FormatName, tuple[str, ...]] = {
    "jpeg": (".jpg", ".jpeg", ".jpe"), "tiff": (".tif", ".tiff"), "heif": (".heic", ".heif"),
}  # fmt: skip


def read_depth(
    source: Source, reading: DepthReading = AS_IT_IS, estimate: Estimating | None = None
) -> DepthMap:
    """Read a depth map of any known format, told by its content, as disparity in [0, 1] with 1 = nearest.

    `source` may be the path "-" for standard input. `reading` is what the user says of the file; the rest is
    concluded, and the map's `source.findings` say how surely. `estimate` is called where it says
    "from_photo". Raises DepthError, UnsafeFormatError, OutOfMemory, ParameterError for what no depth map can
    be read from, and what `estimate` raises.
    """
    path = Path(name_of(source))
    try:
        return _read(source, path, reading, estimate)
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


def _read(source: Source, path: Path, reading: DepthReading, estimate: Estimating | None) -> DepthMap:
    name = "standard input" if str(path) == STDIN else str(path)
    data = bytes_of(source, reading.max_pixels)
    digest = hashlib.sha256(data).hexdigest()
    file_format, samples = decode(name, data, reading.part, reading.max_pixels)
    del data  # a large file would otherwise stay in memory beside its numbers
    seen = None
    if reading.from_photo is not None:
        samples, seen = estimated(name, samples, reading.from_photo, reading, estimate or _nobody)
    found = understand(name, samples, reading)
    height, width = found.values.shape
    origin = DepthSource(
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
    return DepthMap(values=found.values, valid=found.valid, source=origin)


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
