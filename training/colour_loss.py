"""Whether the colour that is painted would be called by its name."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.worlds.labels import LATENT_PIXELS, PIXELS
from training.worlds.palette import COLOURS
from training.worlds.things import Things

SHARPNESS = 0.01
"""Squared distance, in roots of sRGB, that tells one colour from another: white is 0.05 from beige."""
DARKEST = 0.05
"""What is darker has no colour, in sRGB."""
SEEN_AREA = 0.003
"""Share of a picture from which on a thing counts as much as any other."""


class ColourLoss:
    """Reads colours out of latents and compares them with what each name would look like.

    The encoder is linear (`autoencoder`), so colours are a linear map of latents: of whole patches exactly,
    of the squares within them as nearly as 16 numbers tell. A window's frame is thinner than a patch.
    """

    def __init__(self, encoder: nn.Conv2d) -> None:
        weight = encoder.weight.detach()
        undo = torch.linalg.pinv(weight.flatten(1)).unflatten(0, weight.shape[1:])  # (3, 8, 8, C)
        squares = undo.unflatten(2, (-1, PIXELS)).unflatten(1, (-1, PIXELS)).mean((2, 4))
        self.weight = (squares.flatten(0, 2) / 2)[:, :, None, None]
        self.palette = torch.tensor(list(COLOURS.values()), device=weight.device)

    def colours(self, latents: Tensor) -> Tensor:
        """How colours change (B, 3, H / 2, W / 2), in sRGB, where latents change by (B, C, h, w)."""
        return functional.pixel_shuffle(functional.conv2d(latents, self.weight), LATENT_PIXELS // PIXELS)

    def loss(self, error: Tensor, picture: Tensor, things: Things) -> Tensor:
        """How often another name would be given, in [0, 2]: to the pixels of things, and to each as a whole.

        `error` (B, C, h, w) is what latents are off the true ones of `picture` (B, 3, H, W) in [-1, 1], whose
        `things` are of (B, H / 2, W / 2).
        """
        true = functional.avg_pool2d(picture, PIXELS) / 2 + 0.5
        shown = true + self.colours(error)
        colours = things.names[:, 1]
        named = colours[things.at]
        asked = named > 0
        pixels = self._mistakes(true.movedim(1, -1)[asked], shown.movedim(1, -1)[asked], named[asked])
        wholes = self._mistakes(things.means(true), things.means(shown), colours.clamp_min(1))
        counts = (things.areas / SEEN_AREA).clamp_max(1) * (colours > 0)
        return _mean(pixels, things.rarity()[asked]) + _mean(wholes, counts)

    def _mistakes(self, true: Tensor, shown: Tensor, named: Tensor) -> Tensor:
        """The share (M,), in [0, 1], by which `shown` (M, 3) would be called by another name than `named`.

        `named` (M,) numbers colours from 1. Under the light that makes a surface of one colour look as it
        does in `true` (M, 3), one of another would look as much brighter or darker, by channel, as its albedo
        is. A share of mistakes, unlike a cross-entropy, is least where one name is decided for, and asks
        nothing of a colour that is right.
        """
        own = self.palette[named - 1]
        others = true.clamp(DARKEST, 1)[:, None] * self.palette / own[:, None]
        seen = shown.clamp(DARKEST / 5, 1.2).sqrt()
        apart = (seen[:, None] - others.clamp(DARKEST / 5, 1).sqrt()).square().sum(-1)
        return 1 - torch.softmax(-apart / SHARPNESS, 1).gather(1, named[:, None] - 1)[:, 0]


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp_min(1e-6)
