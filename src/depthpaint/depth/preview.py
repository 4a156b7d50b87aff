"""A depth map in characters, so that a terminal shows what was understood."""

from __future__ import annotations

import numpy as np

from depthpaint.core.geometry import Extent, Fit, place
from depthpaint.depth.depth_map import DepthMap
from depthpaint.depth.fit import fit_depth

SHADES = " ░▒▓█"  # far to near
INVALID = "·"
_MAX_ROWS = 60


def terminal_preview(depth: DepthMap, columns: int = 48) -> str:
    """Draw `depth` in `columns` characters a line, near as full blocks, far as blanks, unknown as dots.

    A character is about twice as high as wide, so the lines are half as many as the pixels; at most 60 lines.
    """
    size = depth.source.size
    columns = max(1, columns)
    rows = max(1, round(columns / size.ratio / 2))
    if rows > _MAX_ROWS:
        columns, rows = max(1, round(columns * _MAX_ROWS / rows)), _MAX_ROWS
    extent = Extent(columns, rows)
    values, valid = fit_depth(depth, place(size, extent, Fit.STRETCH), extent)
    shades = np.minimum((values * len(SHADES)).astype(np.intp), len(SHADES) - 1)
    letters = np.where(valid, np.array(list(SHADES))[shades], INVALID)
    return "\n".join("".join(row) for row in letters.tolist())
