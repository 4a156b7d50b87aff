"""What a small network cannot see in a depth map by itself: which way surfaces face, and where they break.

A shelf's boards differ by a hundredth of the depth's range: it takes a network long to notice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CHANNELS = 4
"""The depth, its slope to the right, its slope downwards, and its breaks."""
EVERYDAY_SLOPE = 0.5
"""Of the range over the picture's size: a slope that is drawn at half strength. A floor has about 1."""
SLIGHT_BREAK = 0.01
"""Of the range: a crease or step that is drawn at half strength."""


def relief_of(depth: Floats) -> Floats:
    """The four channels (4, H, W) of a depth map (H, W) in [0, 1], 1 = nearest; all but the first in (-1, 1).

    A plane has one slope everywhere, because disparity is linear over the picture of a plane. Slopes are
    counted over the picture's size, the root of its area: they mean the same at every resolution.
    """
    height, width = depth.shape
    size = float(np.sqrt(height * width))
    padded = np.pad(depth, 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    left, right, above, below = padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]
    slopes = [_bounded(step / 2 * size, EVERYDAY_SLOPE) for step in (right - left, below - above)]
    breaks = _bounded(left + right + above + below - 4 * middle, SLIGHT_BREAK)
    return np.stack([depth, *slopes, breaks]).astype(np.float32)


def _bounded(values: NDArray[np.floating], half: float) -> Floats:
    """Values in (-1, 1), `half` becomes a half: small ones stay apart, great ones do not drown them."""
    return (values / (np.abs(values) + half)).astype(np.float32)
