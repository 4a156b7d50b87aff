"""A photo holds no depth; a network sees some in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.formats.pillow import LOSSY_NOTE
from depthpaint.depth.formats.samples import Quantity, Samples
from depthpaint.depth.reading import DepthReading


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
