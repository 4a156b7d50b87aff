"""How far a predicted picture is from the true one, in latents."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

BASE_CHANNELS = 3
"""The first latent channels, nearly the mean colour of a patch."""
DECIDED, WIDE = 1.0, 0.2
"""What colours that are decided and wide means weigh beside squared errors."""
SQUARED_BASE = 0.5
"""What a squared error of a base channel weighs: it asks for the mean of all colours that could be."""
NEAR = 0.25
"""Distances well below this are as good as none; colours of two names are about 2 apart."""


def picture_loss(found: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    """The loss of predicted latents (B, C, h, w); `weights` (B, 1, h, w) of mean 1 say how much pixels count.

    Squared errors of a noisy prediction's velocity, weighted by sigma squared, are squared errors of its
    picture; taken so, they would draw most of their gradient from noise that nearly clean latents cannot be
    told from. But where the words leave doubt, squared errors end in the gray mean of what could be. The root
    of a colour's distance is least at one of the colours: what guidance is wanted for, without going past it.
    The light of a scene is in means over wide areas, which count for themselves.
    """
    error = found - wanted
    base, detail = error[:, :BASE_CHANNELS], error[:, BASE_CHANNELS:]
    squares = SQUARED_BASE * base.square().sum(1, keepdim=True) + detail.square().sum(1, keepdim=True)
    decided = _distance(base).sqrt()
    pixels = (weights * (squares / error.shape[1] + DECIDED * decided)).mean()
    return pixels + WIDE * _wide(base)


def _wide(base: Tensor) -> Tensor:
    """The mean distance of means over a quarter of the sides, and over everything."""
    height, width = base.shape[-2:]
    cells = (max(1, height // 4), max(1, width // 4))
    means = [functional.avg_pool2d(base, cells), base.mean((2, 3), keepdim=True)]
    return torch.stack([_distance(mean).mean() for mean in means]).mean()


def _distance(base: Tensor) -> Tensor:
    """How long errors (B, C, h, w) are, (B, 1, h, w): NEAR where there is none, so that roots have slopes."""
    return (base.square().sum(1, keepdim=True) + NEAR**2).sqrt()


def standing_out(latents: Tensor, strength: float = 4.0) -> Tensor:
    """Weights (B, 1, h, w) of mean 1 that lift what stands out of its row: the things, a tenth of a scene.

    Floor, wall and sky hardly change along a row, so the distance to the row's median finds things without
    masks. Without this the colour of a small thing is worth almost nothing to the mean squared error, and is
    learned last.
    """
    base = latents[:, :BASE_CHANNELS]
    outstanding = (base - base.median(dim=-1, keepdim=True).values).square().sum(1, keepdim=True).sqrt()
    weights = 1 + strength * (outstanding / 1.5).clamp_max(1)
    return weights / weights.mean()
