"""Which light a picture shows: a small network that sees all of it, and is told what colours things have.

Some lights look the same and are one class: daylight and soft light are "day" (an even sky lights a wall as a
window does), evening light and sunset "low sun". Without the tones that things have, a brown wall in daylight
looks as a white one by lamp light does, and a fifth of the true renders is taken for another light. Pale
styles show none. Two more are not asked for: a few things on a table, close by (0.93), and lamp light, which
0.90 of the true renders show so that it is told from other lights. Of the others 0.984 of 502 are told, on
800 held-out worlds: all of day and night, 0.97 of low sun, 0.92 of fog.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training.scores.held_out import HeldOut, Picture
from training.scores.judge import Question, Subject
from training.worlds.caption import PALE
from training.worlds.lighting import INDOORS, OUTDOORS
from training.worlds.world import World

SIDE = 48
SAME = {"daylight": "day", "soft": "day", "evening": "low sun", "sunset": "low sun"}
CLASSES = tuple(dict.fromkeys(SAME.get(name, name) for name in (*INDOORS, *OUTDOORS)))
CLOSE = ("things",)
"""Families that show too little of the light."""
UNSURE = ("lamps",)
"""Lights that are taught, so that paintings may be taken for them, and not asked for."""
MOST_METAL = 0.3
"""What mirrors more has no tone of its own."""


def asked_light(asked: HeldOut) -> list[Question]:
    """The light of the world, where a true render shows it."""
    world = asked.world
    return [] if world.family in CLOSE or world.lighting in UNSURE else taught_light(asked)


def taught_light(asked: HeldOut) -> list[Question]:
    """The light of the world, where the caption speaks of it."""
    return [(0, SAME.get(asked.world.lighting, asked.world.lighting))] if said_light(asked) else []


def said_light(asked: HeldOut) -> int:
    """Whether the caption speaks of light: 1 or 0."""
    return int(asked.world.style not in PALE)


def seen_light(asked: HeldOut, picture: Picture, named: int) -> Tensor:
    """The picture and the tones of its things, (7, SIDE, SIDE): RGB, RGB under white light, where known."""
    del named
    tones = _tones(asked.world)[asked.ids]
    shown = np.concatenate([picture.astype(np.float32) / np.float32(255), tones], axis=-1)
    return torch.from_numpy(np.stack([_small(shown[..., c]) for c in range(shown.shape[-1])]))


LIGHT = Subject("light", CLASSES, asked_light, taught_light, said_light, seen_light)


def _tones(world: World) -> NDArray[np.float32]:
    """Mean albedo of each name and whether there is one, (names, 4)."""
    table = np.tile(np.array([0.5, 0.5, 0.5, 0.0], np.float32), (len(world.named), 1))
    for named in range(1, len(world.named)):
        worn = [world.looks[k] for k in sorted({s.look for s in world.solids if s.named == named})]
        plain = [look for look in worn if look.glow == 0 and look.metal < MOST_METAL]
        if plain:
            table[named, :3] = np.mean([np.add(look.albedo, look.second) / 2 for look in plain], axis=0)
            table[named, 3] = 1
    return table


def _small(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)
