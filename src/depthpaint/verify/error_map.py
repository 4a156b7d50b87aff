"""A picture of an agreement: what was painted, what was asked, what is seen, and where they part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthpaint.verify.agreement import Agreement

WORST = 0.3
"""Difference of depth, of a range of 1, that is drawn in full colour."""


def error_map(agreement: Agreement) -> NDArray[np.uint8]:
    """(H, 4 W, 3): the picture as it was compared, the asked depth, the seen depth, and their difference.

    Red where the picture is nearer than asked, blue where it is farther, gray where nothing was asked.
    """
    difference = np.clip((agreement.seen - agreement.asked) / WORST, -1, 1)
    nearer, farther = np.maximum(difference, 0)[..., None], np.maximum(-difference, 0)[..., None]
    colours = 1 - nearer * (1 - np.array((0.75, 0.1, 0.1))) - farther * (1 - np.array((0.1, 0.25, 0.8)))
    colours[~agreement.valid] = 0.5
    maps = [
        np.repeat(np.clip(side, 0, 1)[..., None], 3, axis=2) for side in (agreement.asked, agreement.seen)
    ]
    drawn = [np.rint(side * 255).astype(np.uint8) for side in (*maps, colours)]
    return np.concatenate([agreement.picture, *drawn], axis=1)
