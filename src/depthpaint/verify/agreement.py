"""The depth that was asked for beside the depth that an estimator sees in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.geometry import Extent, Fit
from depthpaint.depth.compare import Likeness, aligned_to, compare, compared_size
from depthpaint.depth.edges import edge_agreement
from depthpaint.depth.fit import depth_at
from depthpaint.depth.read import require_certain
from depthpaint.engine import Engine
from depthpaint.request import Request

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Both depths at the size of `picture`, (H, W), 1 = nearest, compared where `valid`.

    `picture` (H, W, 3) is the painted one, reduced if it is large (depth.compare.compared_size). `seen` is
    aligned to `asked`.

    `edge_f_score` in [0, 1] is how well their edges meet. `estimator` is who saw the depth, with its
    `caution`; its own errors count as the picture's.
    """

    picture: NDArray[np.uint8]
    asked: Floats
    seen: Floats
    valid: NDArray[np.bool_]
    likeness: Likeness
    edge_f_score: float
    estimator: str
    caution: str


def agreement(engine: Engine, request: Request, pixels: NDArray[np.uint8], estimator: str) -> Agreement:
    """Compare the depth that `request` asks for with what `estimator` sees in `pixels` (H, W, 3).

    Raises DepthpaintError where the depth file, or the estimator, cannot be read.
    """
    depth = engine.read(request.depth, request.reading)
    require_certain(depth.source)
    picture = _reduced(pixels)
    height, width = picture.shape[:2]
    asked, valid = depth_at(depth, Extent(width, height), request.fit or Fit.PAD)
    estimate = engine.estimate(estimator, picture)
    # A distance grows where disparity falls: only its order and its inverse can be compared.
    seen = estimate.values if estimate.quantity == "disparity" else 1 / np.maximum(estimate.values, 1e-6)
    if not valid.any():
        valid = np.ones_like(valid)
    aligned = aligned_to(asked, seen, valid)
    return Agreement(
        picture=picture, asked=asked, seen=aligned, valid=valid, likeness=compare(asked, seen, valid),
        edge_f_score=edge_agreement(asked, np.clip(aligned, 0, 1)), estimator=estimate.estimator,
        caution=estimate.caution,
    )  # fmt: skip


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) at the size of comparison: each pixel the mean of those that it covers."""
    height, width = pixels.shape[:2]
    size = compared_size(Extent(width, height))
    if size == (width, height):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size.width, size.height), Image.Resampling.BOX))
