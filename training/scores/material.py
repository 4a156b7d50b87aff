"""What a named thing is made of: a small network that sees the thing alone, near by and as a whole.

Twelve materials cannot be told apart at 128 pixels a side: of things made of a random one, 0.46 of the true
renders are told (gold 0.99, brick 0.73, stone 0.61, wood 0.42, concrete 0.32, tiles, shiny and metal about
0.25). So there are three classes: a thing of wood, brick or stone shows a pattern, gold is golden, and what
no material is said of is smooth. Tiles and marble are taken for smooth in a third of the cases and are not
asked for; nor are the others, which differ from plain things by highlights alone.

The network never sees what surrounds a thing, and it learns from worlds whose things are made of anything
(rematerial.py), so that nouns tell it little. What is asked for is large, in even light, of a pattern that
pixels resolve: 225 things in 800 held-out worlds, every one of them told: 62 patterned, 162 smooth, 1 golden.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training.scores.held_out import HeldOut, Picture
from training.scores.judge import Question, Subject
from training.scores.spoken import spoken

SIDE = 32
"""Pixels of what the network sees: a window on the thing, and the whole thing shrunk into one."""
JUDGED_AREA = 128 * 128
"""Larger pictures are reduced to about this many pixels first."""


@dataclass(frozen=True, slots=True)
class Clear:
    """How large a thing must be, in shares of the picture; gold is known by its colour and may be smaller.

    A pattern's `feature` is in pixels of a picture of 128 a side, the `contrast` of its two tones in [0, 1].
    """

    area: float
    gold_area: float
    feature: float
    contrast: float


ASKED, TAUGHT = Clear(0.2, 0.06, 8.0, 0.05), Clear(0.06, 0.03, 5.0, 0.0)
LIGHTS = ("daylight", "soft", "noon", "overcast")
PATTERNED = ("wood", "brick", "stone")
CLASSES = ("patterned", "gold", "smooth")


def asked_materials(asked: HeldOut) -> list[Question]:
    """The things whose material a true render shows, and the class of each."""
    return _questions(asked, ASKED)


def taught_materials(asked: HeldOut) -> list[Question]:
    """Smaller things, too, and fainter patterns."""
    return _questions(asked, TAUGHT)


def said_material(asked: HeldOut) -> int:
    """How many things the caption speaks of, with a material or plainly."""
    return len(spoken(asked))


def seen_material(asked: HeldOut, picture: Picture, named: int) -> Tensor:
    """A window on the thing and all of it, (8, SIDE, SIDE): RGB and mask of each; what is not it is gray."""
    mask = asked.mask(named)
    factor = max(1, round((mask.size / JUDGED_AREA) ** 0.5))
    seen = np.asarray(Image.fromarray(picture).reduce(factor))
    kept = np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).reduce(factor)) > 127
    alone = np.where(kept[..., None], seen, 128).astype(np.uint8)
    layers = np.concatenate([alone, kept[..., None] * np.uint8(255)], axis=-1)
    top, left = window(kept)
    near = layers[top : top + SIDE, left : left + SIDE]
    both = np.concatenate([near, _whole(layers, kept)], axis=-1)
    return torch.from_numpy(both.astype(np.float32) / 255).permute(2, 0, 1)


def window(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Top and left of the window of SIDE pixels that sees most of `mask` (H, W); the lowest, if several do.

    Grounds are nearest there, and their texture largest.
    """
    sums = np.pad(mask.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[SIDE:, SIDE:] - sums[:-SIDE, SIDE:] - sums[SIDE:, :-SIDE] + sums[:-SIDE, :-SIDE]
    best = inside.size - 1 - int(inside.ravel()[::-1].argmax())
    return best // inside.shape[1], best % inside.shape[1]


def _whole(layers: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    ys, xs = np.nonzero(mask if mask.any() else np.ones_like(mask))
    box = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
    planes = [Image.fromarray(np.ascontiguousarray(layers[..., c])) for c in range(layers.shape[-1])]
    shrunk = [np.asarray(plane.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box)) for plane in planes]
    return np.stack(shrunk, axis=-1)


def _questions(asked: HeldOut, clear: Clear) -> list[Question]:
    if asked.world.style != "photo" or asked.world.lighting not in LIGHTS:
        return []
    found = [(i, _class(asked, i, clear)) for i in spoken(asked)]
    return [(i, name) for i, name in found if name is not None]


def _class(asked: HeldOut, named: int, clear: Clear) -> str | None:
    """What the thing should be taken for; None where a true render does not show it well."""
    world, material, area = asked.world, asked.world.named[named].material, float(asked.mask(named).mean())
    worn = {s.look for s in world.solids if s.named == named}
    if len(worn) != 1 or area < (clear.gold_area if material == "gold" else clear.area):
        return None
    look = world.looks[worn.pop()]
    if material is None:
        return "smooth" if look.texture == "plain" and look.metal == look.glow == 0 else None
    if material in PATTERNED:
        side = (JUDGED_AREA / asked.ids.size) ** 0.5 * asked.size[1]
        metre = side / (2 * world.camera.tangent) * float(np.median(asked.nearness[asked.mask(named)]))
        contrast = abs(sum(look.albedo) - sum(look.second)) / 3
        return "patterned" if look.scale * metre >= clear.feature and contrast >= clear.contrast else None
    return material if material in CLASSES else None


MATERIAL = Subject("material", CLASSES, asked_materials, taught_materials, said_material, seen_material)
