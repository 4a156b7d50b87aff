"""Read a depth file, or estimate the depth of a photo, as a DepthMap."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode, InternalError, OutOfMemory, number_text, printable
from depthpaint.core.geometry import Extent
from depthpaint.core.regular_file import STDIN
from depthpaint.depth.depth_map import LEAST_CONFIDENCE, DepthMap, DepthReading, DepthSource, Finding
from depthpaint.depth.understand import Understood, understand
from depthpaint.formats.decode import Source, bytes_of, decode, name_of
from depthpaint.formats.samples import ENDINGS, LOSSY_NOTE, FormatName, Quantity, Samples, upside_down


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The output of an estimator: float32 (H, W), disparity on an arbitrary scale or distance in metres.

    `estimator` is its name, `revision` the commit of its weights ("" if unknown);
    `caution` a limitation, as a clause that follows its name.
    """

    values: NDArray[np.float32]
    quantity: Quantity
    estimator: str
    revision: str
    weights_sha256: str
    caution: str = ""


Result = TypeVar("Result")
Estimating = Callable[[str, NDArray[np.uint8]], Estimate]
"""A function of an estimator's name or folder, and a picture (H, W, 3)."""


def estimated(
    name: str, samples: Samples, estimator: str, reading: DepthReading, estimate: Estimating
) -> tuple[Samples, Estimate]:
    """Estimate the depth of a photo with `estimator`; raises DepthError if it is not a photo."""
    picture, notes = _picture(name, samples)
    result = estimate(estimator, np.ascontiguousarray(picture))
    _require_no_conflict(reading, result)
    source = f"{result.estimator}, {result.caution}" if result.caution else result.estimator
    return Samples(
        values=result.values, opaque=samples.opaque, bits=32, quantity=result.quantity,
        metres=1.0 if result.quantity == "distance" else None,
        notes=(*notes, f"the depth is estimated from a photo by {source}"), stated_by=result.estimator,
    ), result  # fmt: skip


def _picture(name: str, samples: Samples) -> tuple[NDArray[np.uint8], list[str]]:
    """The photo as bytes (H, W, 3), and notes."""
    picture = samples.values
    # The note about lossy compression concerns depth maps only.
    notes = [note for note in samples.notes if note != LOSSY_NOTE]
    if samples.hidden:
        raise DepthError(
            f"{name} contains its own depth map",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="leave --from-photo out to use it, or save the photo again without it",
            value=name,
        )
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
        notes.append("the photo's 16 bits are read at 8, as the estimator was trained")
    if picture.dtype != np.uint8:
        raise DepthError(
            f"{name} is not a photo: its numbers are {picture.dtype}",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="leave --from-photo out: it is for pictures without depth",
            value=str(picture.dtype),
        )
    return picture, notes


def _require_no_conflict(reading: DepthReading, result: Estimate) -> None:
    """Reject settings for a file's numbers that contradict the estimator's output."""
    flag = "--unit" if reading.unit != "auto" else "--kind"
    if reading.unit != "auto" or reading.kind not in ("auto", result.quantity):
        raise DepthError(
            f"{flag} is for the numbers in a file, but {result.estimator} estimates {result.quantity}",
            code=ErrorCode.INVALID_PARAMETER,
            remedy=f"leave {flag} out",
            value=reading.unit if flag == "--unit" else reading.kind,
        )


AS_IT_IS = DepthReading()


def read_depth(
    source: Source, reading: DepthReading = AS_IT_IS, estimate: Estimating | None = None
) -> DepthMap:
    """Read a depth map of any known format, detected by content, as disparity in [0, 1] with 1 = nearest.

    `source` may be the path "-" for standard input. `reading` is what the user specifies; the rest is
    concluded, and the map's `source.findings` give the confidence. `estimate` is called if `reading` has
    "from_photo". Raises DepthError, UnsafeFormatError, OutOfMemory, ParameterError for an unsupported source,
    and what `estimate` raises.
    """

    def read(path: Path) -> DepthMap:
        result, origin = _read(source, path, reading, estimate)
        return DepthMap(values=result.values, valid=result.valid, source=origin)

    return _carefully(source, read)


def read_source(
    source: Source, reading: DepthReading = AS_IT_IS, estimate: Estimating | None = None
) -> DepthSource:
    """How a depth map is understood, as `read_depth` reads it, without its values."""
    return _carefully(source, lambda path: _read(source, path, reading, estimate)[1])


def _carefully(source: Source, read: Callable[[Path], Result]) -> Result:
    """What `read` returns of the path of `source`. Raises OutOfMemory, and what `read` raises."""
    path = Path(name_of(source))
    try:
        # Numbers near the ends of a type overflow in places where the result is clipped or not used.
        with np.errstate(all="ignore"):
            return read(path)
    except MemoryError as error:
        raise OutOfMemory(
            f"there is not enough memory to read {path}",
            code=ErrorCode.OUT_OF_MEMORY,
            remedy="make the depth map smaller",
            value=str(path),
        ) from error


def require_certain(source: DepthSource) -> None:
    """Raise DepthError depth_ambiguous unless the near end is certain enough to paint from."""
    near = source.finding("near")
    if near is not None:
        require_certain_near(near, source.path, "the map")


def require_certain_near(near: Finding, place: str, what: str) -> None:
    """Raise DepthError depth_ambiguous unless the near end of `what`, at `place`, is certain enough."""
    if near.confidence >= LEAST_CONFIDENCE:
        return
    raise DepthError(
        f"{place}: it is not certain which end of {what} is near ({near.value} with a confidence of "
        f"{near.confidence:.0%}; {LEAST_CONFIDENCE:.0%} are required: {near.evidence})",
        code=ErrorCode.DEPTH_AMBIGUOUS,
        remedy="specify it with --near white or --near black",
        value=round(near.confidence, 3),
        limit=LEAST_CONFIDENCE,
    )


def _read(
    source: Source, path: Path, reading: DepthReading, estimate: Estimating | None
) -> tuple[Understood, DepthSource]:
    name = "standard input" if str(path) == STDIN else str(path)
    data = bytes_of(source, reading.max_pixels)
    digest = hashlib.sha256(data).hexdigest()
    file_format, samples = decode(name, data, reading.part, reading.max_pixels, reading.frame_index)
    del data  # frees the file's content, which may be large
    if reading.flip:
        samples = upside_down(samples)
    elif reading.flip is None and file_format == "pfm":
        _require_upright(name, samples)
    estimated_depth = None
    if reading.from_photo is not None:
        samples, estimated_depth = estimated(
            name, samples, reading.from_photo, reading, estimate or _no_estimator
        )
    result = understand(name, samples, reading)
    (height, width), frame = result.valid.shape, result.frame
    origin = DepthSource(
        path=str(path),
        sha256=digest,
        format=file_format,
        size=Extent(width, height),
        container_bits=samples.bits,
        bits_used=(result.levels - 1).bit_length(),
        levels=result.levels,
        colour_map=result.colour_map,
        near=result.meaning.near,
        kind=result.meaning.kind,
        metres=result.meaning.metres,
        raw_range=result.raw_range,
        used_range=result.used_range,
        far_over_near=result.scale.far_over_near,
        frame=None if frame is None else (frame.left, frame.top, frame.right, frame.bottom),
        invalid_share=1 - float(result.valid.mean()),
        findings=result.findings,
        reading=_settled(reading, result),
        estimator="" if estimated_depth is None else estimated_depth.estimator,
        estimator_revision="" if estimated_depth is None else estimated_depth.revision,
        estimator_sha256="" if estimated_depth is None else estimated_depth.weights_sha256,
        notes=(*_name_note(path, file_format), *samples.notes, *result.notes),
    )
    return result, origin


_SKY_BELOW, _SKY_ABOVE = 0.2, 0.01
"""The shares of sky in the lowest twentieth and the upper third of a map that seems to be upside down."""
_LEAST_SKY = 1e4


def _require_upright(name: str, samples: Samples) -> None:
    """Raise DepthError for floats whose sky, one huge number, lies along the lower edge alone.

    PFM begins with the lowest row, but some programs write the highest one first. Infinity shows nothing: in
    disparities it is what was not matched, which may well be the floor in front.
    """
    values = samples.values
    if values.ndim != 2:
        return
    below, above = values[-max(1, len(values) // 20) :], values[: len(values) // 3]
    sky = below.max()  # NaN, which is no sky, if there is any
    if (
        not _LEAST_SKY <= sky < np.inf
        or (below == sky).mean() < _SKY_BELOW
        or (above == sky).mean() > _SKY_ABOVE
    ):
        return
    raise DepthError(
        f"{name} seems to be upside down: {number_text(float(sky))}, which stands for the sky, "
        "is along its lower edge only",
        code=ErrorCode.DEPTH_AMBIGUOUS,
        remedy="turn it with --flip, or keep it with --no-flip",
        value=float(sky),
    )


def _no_estimator(estimator: str, picture: NDArray[np.uint8]) -> Estimate:
    raise InternalError(
        f"there is no function to run the estimator {estimator} on a picture of {picture.shape}",
        code=ErrorCode.INTERNAL,
        remedy="pass an estimate function to read_depth",
    )


def _settled(reading: DepthReading, result: Understood) -> DepthReading:
    """`reading` with the conclusions in place of "auto", so that later versions do not conclude anew."""
    return DepthReading.model_validate(
        {
            **reading.model_dump(),
            "near": result.meaning.near,
            "holes": result.fill,
            "kind": result.meaning.kind,
            "colour_map": result.colour_map,
            "range": result.used_range if _exact(result.used_range) else reading.range,
        }
    )


def _exact(ends: tuple[float, float]) -> bool:
    """Whether floats represent both ends exactly: 64-bit integers may be too large."""
    return ends[0] < ends[1] and max(map(abs, ends)) < 2**53


def _name_note(path: Path, file_format: FormatName) -> list[str]:
    ending = path.suffix.lower()
    if ending in ("", *ENDINGS[file_format]):
        return []
    return [f"the file is {file_format.upper()} although its name ends in {printable(ending)}"]
