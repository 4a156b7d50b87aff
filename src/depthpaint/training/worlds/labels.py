"""What each latent pixel shows, in numbers: the noun, colour and material of the thing that is named there.

Only training sees them: a network that has to name what it paints learns sooner which surface a word means.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from depthpaint.training.worlds.palette import COLOURS
from depthpaint.training.worlds.words import MATERIALS, NOUNS
from depthpaint.training.worlds.world import World

PIXELS = 8
"""A label stands for a square of so many pixels: one pixel of the latents."""
_TABLES = (tuple(NOUNS), tuple(COLOURS), tuple(MATERIALS))
COUNTS = tuple(len(table) + 1 for table in _TABLES)
"""How many nouns, colours and materials there are; 0 stands for none."""


def label_maps(worlds: Sequence[World], ids: Tensor) -> Tensor:
    """Labels uint8 (N, H / 8, W / 8, 3) of the ids (N, H, W) of a render: those in the squares' middles."""
    middle = ids[:, PIXELS // 2 :: PIXELS, PIXELS // 2 :: PIXELS].long()
    maps = [_table(world)[one] for world, one in zip(worlds, middle, strict=True)]
    return torch.stack(maps).to(torch.uint8)


def rarity(labels: Tensor) -> Tensor:
    """Weights (B, h, w) of mean 1 for labels (B, h, w, 3), small where a name fills much of its picture.

    A pixel weighs one over the root of its name's area. Equal weights leave the colours of small things
    to chance: of things of 6 to 14 latent pixels 71 % were named and only 44 % had their colour.
    """
    noun, colour, material = labels.long().flatten(1, 2).unbind(-1)
    names = (noun * COUNTS[1] + colour) * COUNTS[2] + material
    areas = (names[:, :, None] == names[:, None, :]).sum(-1)
    weights = areas.float().rsqrt().view(labels.shape[:3])
    return weights / weights.mean((1, 2), keepdim=True)


def _table(world: World) -> Tensor:
    """The three numbers of every name of a world."""
    rows = [
        [
            table.index(word) + 1 if word in table else 0
            for table, word in zip(_TABLES, (named.noun, named.colour, named.material), strict=True)
        ]
        for named in world.named
    ]
    return torch.tensor(rows)
