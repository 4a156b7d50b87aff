"""The named things that a batch of pictures shows: which pixels are whose, and means over each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.worlds.labels import COUNTS


@dataclass(frozen=True, slots=True)
class Things:
    """T things, one for every name in every picture: what has the same noun, colour and material is one.

    `at` int64 (B, h, w) says whose each pixel is; `names` int64 (T, 3) are labels, 0 for none; `pixels` (T,)
    how many each has, and `areas` (T,) what share of its picture.
    """

    at: Tensor
    names: Tensor
    pixels: Tensor
    areas: Tensor

    @classmethod
    def of(cls, labels: Tensor) -> Things:
        """Those of labels (B, h, w, 3)."""
        noun, colour, material = labels.long().unbind(-1)
        codes = (noun * COUNTS[1] + colour) * COUNTS[2] + material
        pictures = torch.arange(len(labels), device=labels.device)[:, None, None]
        unique, at, pixels = torch.unique(
            pictures * (COUNTS[0] * COUNTS[1] * COUNTS[2]) + codes, return_inverse=True, return_counts=True
        )
        names = torch.stack(
            [
                unique // (COUNTS[1] * COUNTS[2]) % COUNTS[0],
                unique // COUNTS[2] % COUNTS[1],
                unique % COUNTS[2],
            ],
            1,
        )
        return cls(at, names, pixels.float(), pixels.float() / at[0].numel())

    def means(self, values: Tensor) -> Tensor:
        """Means (T, C) over each thing of values (B, C, h, w)."""
        flat = values.movedim(1, -1).flatten(0, 2)
        sums = flat.new_zeros(len(self.names), flat.shape[1]).index_add(0, self.at.flatten(), flat)
        return sums / self.pixels[:, None]

    def rarity(self) -> Tensor:
        """Weights (B, h, w) of mean 1, small where a name fills much of its picture.

        A pixel weighs one over the root of its name's area. Equal weights leave the colours of small things
        to chance: of things of 6 to 14 latent pixels 71 % were named and only 44 % had their colour.
        """
        weights = self.pixels.rsqrt()[self.at]
        return weights / weights.mean((1, 2), keepdim=True)
