"""The one carrier of depth: what travels from the file to the network, with where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.geometry import Extent
from depthpaint.depth.formats.samples import FormatName

Near = Literal["white", "black"]
ColourMapName = Literal["gray", "bone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthSource:
    """Where a depth map came from and how it was understood.

    `size` is that of the map as it stands upright. `container_bits` is what the file's format could hold a
    value, `bits_used` what its `levels` distinct values need. `colour_map_confidence` is in [0, 1], 1 for
    plain gray. `near` says which end of the file's values is near. `raw_range` is the smallest and the
    largest valid value as stored (for a colour map: position in it, 0 to 1). `invalid_share` in [0, 1];
    `notes` are sentences to show the user.
    """

    path: str
    sha256: str
    format: FormatName
    size: Extent
    container_bits: int
    bits_used: int
    levels: int
    colour_map: ColourMapName
    colour_map_confidence: float
    near: Near
    raw_range: tuple[float, float]
    invalid_share: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DepthMap:
    """Depth as Stable Diffusion's depth networks know it.

    `values` is float32 (H, W) in [0, 1], 1 = nearest, 0 = farthest, disparity-like. `valid` is bool
    (H, W); where it is false nothing is known, and `values` holds 0.
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    source: DepthSource
