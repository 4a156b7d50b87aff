"""Does a surface have the colour that the sentence names? True renders pass almost always."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthpaint.training.scenes.palette import COLOURS, LIGHTS

Floats = NDArray[np.float32]


def appearances(light: str) -> tuple[list[str], Floats]:
    """Every way a named colour can look under `light`: shadow to full sun, (names, (colours, looks, 3))."""
    ambient, sun = np.array(LIGHTS[light].ambient), np.array(LIGHTS[light].sun)
    looks = [ambient * a + sun * s for a in (0.75, 0.85, 1.0) for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    albedos = np.array(list(COLOURS.values()))
    return list(COLOURS), np.clip(albedos[:, None] * np.array(looks)[None], 0, 1).astype(np.float32)


def named_colour(picture: Floats, mask: NDArray[np.bool_], light: str) -> str:
    """The named colour nearest to the median of `picture` (H, W, 3) in [0, 1] over `mask` (H, W).

    The median ignores highlights and joints. Distance is Euclidean in square-root space, where equal steps
    look about equally large, to the nearest of the colour's appearances under the light.
    """
    names, looks = appearances(light)
    median = np.median(picture[mask], axis=0)
    distance = np.linalg.norm(np.sqrt(looks) - np.sqrt(np.clip(median, 0, 1)), axis=-1).min(axis=1)
    return names[int(distance.argmin())]
