"""What a picture shows where, in numbers: the noun, colour and material of the thing that is named there.

Only training sees them: a network that has to name what it paints learns sooner which surface a word means.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from training.worlds.palette import COLOURS
from training.worlds.words import MATERIALS, NOUNS
from training.worlds.world import World

PIXELS, LATENT_PIXELS = 2, 8
"""A label stands for a square of so many pixels, a pixel of the latents for so many: a window's frame is
thinner than that, and belongs to none of them alone."""
_TABLES = (tuple(NOUNS), tuple(COLOURS), tuple(MATERIALS))
COUNTS = tuple(len(table) + 1 for table in _TABLES)
"""How many nouns, colours and materials there are; 0 stands for none."""


def label_maps(worlds: Sequence[World], ids: Tensor) -> Tensor:
    """Labels uint8 (N, H / 2, W / 2, 3) of the ids (N, H, W) of a render: one pixel of each square speaks."""
    middle = ids[:, PIXELS // 2 :: PIXELS, PIXELS // 2 :: PIXELS].long()
    maps = [_table(world)[one] for world, one in zip(worlds, middle, strict=True)]
    return torch.stack(maps).to(torch.uint8)


def latent_labels(labels: Tensor) -> Tensor:
    """Of labels (B, H / 2, W / 2, 3), those in the middles of latent pixels: (B, H / 8, W / 8, 3)."""
    step = LATENT_PIXELS // PIXELS
    return labels[:, step // 2 :: step, step // 2 :: step]


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
