"""Which colour word a named thing in a picture would be given: true renders mostly get their own."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from training.worlds.ornaments import WARM
from training.worlds.palette import COLOURS
from training.worlds.world import World

Floats = NDArray[np.float32]
GAMMA = 2.2


def appearances(world: World) -> Floats:
    """Every way each colour may look in the world's light, (colours, looks, 3) in sRGB."""
    ambient, sun = np.array(world.light.ambient), np.array(world.light.sun)
    lamps = (0.0, 0.15, 0.4, 0.8) if world.lamps else (0.0,)
    shares = product((0.6, 0.8, 1.0), (0.0, 0.3, 0.6, 0.9), lamps)
    light = np.array([ambient * a + sun * s + np.array(WARM) * lamp for a, s, lamp in shares])
    seen = np.array(list(COLOURS.values()))[:, None] ** GAMMA * light[None]
    # The same soft shoulder as the renderer's development of light into a picture.
    seen = np.where(seen > 0.72, 0.72 + 0.28 * (1 - np.exp(-(seen - 0.72).clip(0) / 0.28)), seen)
    return (seen.clip(0, 1) ** (1 / GAMMA)).astype(np.float32)


def named_colour(picture: Floats, mask: NDArray[np.bool_], world: World) -> str:
    """The colour word nearest to the median of `picture` (H, W, 3) in [0, 1] over `mask` (H, W).

    Distance is Euclidean in square-root space, to the nearest of a colour's appearances in the world's light.
    """
    median = np.median(picture[mask], axis=0)
    distance = np.linalg.norm(np.sqrt(appearances(world)) - np.sqrt(median.clip(0, 1)), axis=-1).min(axis=1)
    return list(COLOURS)[int(distance.argmin())]
