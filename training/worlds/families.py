"""A random world of any family."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.worlds.builder import Builder
from training.worlds.landscapes import KINDS, landscape_world
from training.worlds.rooms import FURNISH, room_world
from training.worlds.still_life import still_world
from training.worlds.villages import house_world, street_world
from training.worlds.world import World

FAMILIES: dict[str, float] = {
    "bedroom": 2.2,
    "living room": 1.6,
    "kitchen": 1.1,
    "office": 1.0,
    "cupboard wall": 1.1,
    "chair room": 1.2,
    "house": 1.0,
    "house in the forest": 1.3,
    "street": 0.8,
    "mountains": 1.0,
    "snowy mountains": 1.1,
    "landscape": 0.9,
    "lake": 0.7,
    "sea": 0.5,
    "desert": 0.4,
    "hills": 0.5,
    "forest": 0.6,
    "things": 3.0,
}
"""Every family and how often it is drawn."""

CLAY_AIR = (0.76, 0.73, 0.69)
CLAY_SUN, CLAY_SHADE = (0.95, 0.93, 0.90), (0.42, 0.43, 0.45)

STYLES: dict[str, float] = {"photo": 0.76, "clay": 0.06, "watercolour": 0.10, "pencil": 0.08}


def random_world(
    rng: np.random.Generator, *, family: str | None = None, ratio: float, style: str | None = None
) -> World:
    """Draw a world; equal generators give equal worlds. `ratio` is the picture's width over its height."""
    if family is None:
        weights = np.array(list(FAMILIES.values()))
        family = str(rng.choice(list(FAMILIES), p=weights / weights.sum()))
    drawn = str(rng.choice(list(STYLES), p=list(STYLES.values())))
    b = Builder(rng, style or drawn)
    world = _built(b, family, ratio)
    if world.style == "clay":
        # The air of a model is as pale as the model, and a lamp beside the camera shows its forms.
        side = 0.8 if world.light.azimuth > 0 else -0.8
        light = replace(world.light, haze=CLAY_AIR, horizon=CLAY_AIR, sun=CLAY_SUN, ambient=CLAY_SHADE)
        return replace(world, light=replace(light, azimuth=side, elevation=0.75), lamps=())
    return world


def _built(b: Builder, family: str, ratio: float) -> World:
    if family in FURNISH:
        return room_world(b, family, ratio)
    if family in KINDS:
        return landscape_world(b, family, ratio)
    if family == "street":
        return street_world(b, ratio)
    if family == "things":
        return still_world(b, ratio)
    if family in FAMILIES:
        return house_world(b, family, ratio)
    raise ValueError(f"unknown family {family!r}; known: {', '.join(FAMILIES)}")
