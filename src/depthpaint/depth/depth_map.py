"""The one carrier of depth: what travels from the file to the network, with where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.geometry import Extent
from depthpaint.depth.finding import Aspect, Finding
from depthpaint.depth.formats.samples import FormatName
from depthpaint.depth.reading import DepthReading

Near = Literal["white", "black"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthSource:
    """Where a depth map came from and how it was understood.

    `size` is that of the map as it stands upright, without what surrounds it in the file. `container_bits` is
    what the file's format could hold a value, `bits_used` what its `levels` distinct values need.
    `colour_map` is a name of colour_maps.NAMES, "rgb24" or "bgr24". `near` says which end of the stored
    numbers is near, `kind` whether they grow with nearness or are distances, `metres` how many metres one of
    them is (None where nobody said). `raw_range` is the smallest and the largest valid number as stored (for
    a colour map: position in it, 0 to 1), `used_range` what of it spans far to near, `far_over_near`
    how many times as far the far end is (scale.RATIO where nobody can know). `invalid_share` in
    [0, 1] is what was filled or left free. `findings` say what was concluded and why; `reading` repeats them
    as settings, so that the same file is understood the same way again; `notes` are sentences to show.
    `estimator` saw the depth in a photo, with weights of that digest from that revision on the hub ("" for a
    folder's); all three are "" where the file holds depth.
    """

    path: str
    sha256: str
    format: FormatName
    size: Extent
    container_bits: int
    bits_used: int
    levels: int
    colour_map: str
    near: Near
    kind: Literal["disparity", "distance"]
    metres: float | None
    raw_range: tuple[float, float]
    used_range: tuple[float, float]
    far_over_near: float
    invalid_share: float
    findings: tuple[Finding, ...]
    reading: DepthReading
    notes: tuple[str, ...] = ()
    estimator: str = ""
    estimator_revision: str = ""
    estimator_sha256: str = ""

    def finding(self, aspect: Aspect) -> Finding | None:
        """What was concluded about one aspect, if anything was."""
        return next((found for found in self.findings if found.aspect == aspect), None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DepthMap:
    """Depth as Stable Diffusion's depth networks know it.

    `values` is float32 (H, W) in [0, 1], 1 = nearest, 0 = farthest, disparity-like. `valid` is bool (H, W);
    where it is false nothing was measured, and `values` holds what the holes were filled with.
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    source: DepthSource
