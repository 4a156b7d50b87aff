"""A photo holds no depth; a network sees some in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.formats.samples import Samples


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an estimator saw: disparity float32 (H, W) on a scale of its own; its name, its digest."""

    disparity: NDArray[np.float32]
    estimator: str
    weights_sha256: str


Estimating = Callable[[str, NDArray[np.uint8]], Estimate]
"""Takes an estimator's name and a picture (H, W, 3)."""


def estimated(name: str, samples: Samples, estimator: str, estimate: Estimating) -> tuple[Samples, Estimate]:
    """Let `estimator` see depth in a photo; raises DepthError for what is no picture of bytes."""
    picture = samples.values
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.dtype != np.uint8:
        raise DepthError(
            f"{name} is no photo: its numbers are {picture.dtype}",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="leave --from-photo out: it is for pictures that hold no depth",
            value=str(picture.dtype),
        )
    seen = estimate(estimator, np.ascontiguousarray(picture))
    # What JPEG did to the photo is not what it does to depth.
    notes = tuple(note for note in samples.notes if "JPEG" not in note and "lossy" not in note)
    return Samples(
        values=seen.disparity, opaque=samples.opaque, bits=32, quantity="disparity",
        notes=(*notes, f"the depth is estimated from a photo by {estimator}"), stated_by=estimator,
    ), seen  # fmt: skip
