"""The same world with its things made of something else: what a judge of materials has to learn from.

Worlds as they are drawn let nouns tell materials (a floor is wooden); here any named thing may be of any, so
that a judge has to look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from training.scores.held_out import LEARNED, HeldOut, drawn
from training.worlds.families import random_world
from training.worlds.palette import COLOURS, NATURAL, look_of
from training.worlds.shards import Area
from training.worlds.world import Named, World

MADE = (None, None, "wood", "brick", "stone", "gold")
"""What a thing may be made of; None is plain."""
UNCOLOURED = 0.4
"""Share of the things of a material with a colour of its own that wear that colour."""


def learned_worlds(count: int, area: Area) -> Iterator[HeldOut]:
    """Worlds to learn from, none of them held out; every second photo among them with other materials."""
    for index in range(count):
        width, height = area.sizes[index % len(area.sizes)]
        rng = np.random.default_rng((LEARNED, index))
        world = random_world(rng, ratio=width / height)
        if index % 2 and world.style == "photo":
            world = rematerialed(world, rng)
        yield drawn(index, world, (width, height))


def rematerialed(world: World, rng: np.random.Generator) -> World:
    """Make everything that has a name, a word for its look and one look alone of a random material."""
    looks, names = list(world.looks), list(world.named)
    for named, name in enumerate(world.named):
        worn = {s.look for s in world.solids if s.named == named}
        shared = {s.look for s in world.solids if s.named != named}
        if not (name.colour or name.material) or len(worn) != 1 or worn & shared:
            continue
        look = worn.pop()
        if looks[look].glow > 0:
            continue
        material = MADE[int(rng.integers(len(MADE)))]
        colour = _colour(name, material, rng)
        looks[look] = look_of(rng, colour, material)
        names[named] = replace(name, colour=colour, material=material)
    return replace(world, looks=tuple(looks), named=tuple(names))


def _colour(name: Named, material: str | None, rng: np.random.Generator) -> str | None:
    if material == "gold" or (material in NATURAL and rng.random() < UNCOLOURED):
        return None
    return name.colour or list(COLOURS)[int(rng.integers(len(COLOURS)))]
