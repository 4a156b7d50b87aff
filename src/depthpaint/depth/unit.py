"""What unit distances are counted in: told, or likely from their size and the picture's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.finding import Finding
from depthpaint.depth.reading import METRES

KITTI_WIDTHS, KITTI_HEIGHTS = (1216, 1248), (352, 384)
MOST_MILLIMETRES = 12_000
"""Depth cameras see ten metres at most."""
LEAST_TUM_MEDIAN, LEAST_TUM_GREATEST = 8_000, 20_000


def unit_finding(
    inside: NDArray[Any], shape: tuple[int, int], metres: float | None, told: str
) -> Finding | None:
    """The unit of valid distances `inside` (N,) of a map of `shape` (H, W), as metres from near to far.

    `metres` is what was told or stated; `told` its name, or "auto". Depth for the network does not depend on
    it, so a likely unit is said and changes nothing. None where nothing is known.
    """
    low, high = float(inside.min()), float(inside.max())
    if metres is not None:
        name, sure = (told, 1.0) if told != "auto" else (f"{metres:g} m", 1.0)
        evidence = "as told" if told != "auto" else "as the file states"
    else:
        name, evidence = _likely(inside, shape, high)
        if not name:
            return None
        metres, sure = METRES[name], 0.8
    span = f"{low * metres:.3g} to {high * metres:.3g} m"
    return Finding(aspect="unit", value=f"{name}: {span}", confidence=sure, evidence=evidence, flag="--unit")


def _likely(inside: NDArray[Any], shape: tuple[int, int], high: float) -> tuple[str, str]:
    if inside.dtype.kind not in "iu" or inside.dtype.itemsize < 2:
        return "", ""
    height, width = shape
    if KITTI_WIDTHS[0] <= width <= KITTI_WIDTHS[1] and KITTI_HEIGHTS[0] <= height <= KITTI_HEIGHTS[1]:
        return "kitti", "a picture as large as KITTI's"
    if high <= MOST_MILLIMETRES:
        return "mm", f"integers up to {high:.0f}, as depth cameras write millimetres"
    if float(np.median(inside)) >= LEAST_TUM_MEDIAN and high >= LEAST_TUM_GREATEST:
        return "tum", f"integers up to {high:.0f}, as in TUM's RGB-D files (5000 a metre)"
    return "", ""
