"""Whether the colour that is painted would be called by its name."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthpaint.training.worlds.palette import COLOURS

SHARPNESS = 0.01
"""Squared distance, in roots of sRGB, that tells one colour from another: white is 0.05 from beige."""
DARKEST = 0.05
"""What is darker has no colour, in sRGB."""


class ColourLoss:
    """Reads mean colours of patches out of latents and compares them with what each name would look like.

    The encoder is linear (`autoencoder`), so the mean colour of a patch is a linear map of its latents.
    """

    def __init__(self, encoder: nn.Conv2d) -> None:
        weight, bias = encoder.weight.detach(), encoder.bias
        if bias is None:
            raise ValueError("an encoder without a bias is not the folded one")
        undo = torch.linalg.pinv(weight.flatten(1)).unflatten(0, weight.shape[1:])
        means = undo.mean((1, 2))
        self.weight = (means / 2)[:, :, None, None]
        self.bias = 0.5 - (means / 2) @ bias.detach()
        self.palette = torch.tensor(list(COLOURS.values()), device=weight.device)

    def colours(self, latents: Tensor) -> Tensor:
        """Mean colours (B, 3, h, w) in sRGB, about in [0, 1], of latents (B, C, h, w)."""
        return functional.conv2d(latents, self.weight, self.bias)

    def loss(self, found: Tensor, wanted: Tensor, named: Tensor, weights: Tensor) -> Tensor:
        """How often another name would be given, in [0, 1], by `weights` (B, h, w).

        `found` and `wanted` are latents; `named` (B, h, w) numbers colours from 1, 0 for none. Under the
        light that makes a surface of one colour look as it does in `wanted`, one of another would look as
        much brighter or darker, by channel, as its albedo is. A share of mistakes, unlike a cross-entropy, is
        least where one name is decided for, and asks nothing of a colour that is right.
        """
        has, number = (named > 0).float() * weights, (named - 1).clamp_min(0)
        true = self.colours(wanted).clamp(DARKEST, 1)
        own = self.palette[number].movedim(-1, 1)
        others = true[:, None] * self.palette[None, :, :, None, None] / own[:, None]
        shown = self.colours(found).clamp(DARKEST / 5, 1.2)
        apart = (shown.sqrt()[:, None] - others.clamp(DARKEST / 5, 1).sqrt()).square().sum(2)
        likely = torch.softmax(-apart / SHARPNESS, 1).gather(1, number[:, None])[:, 0]
        return ((1 - likely) * has).sum() / has.sum().clamp_min(1)
