"""Whether a thing is as rough as its material is: planks and bricks, wherever they lie."""

from __future__ import annotations

from torch import Tensor

from training.picture_loss import BASE_CHANNELS
from training.worlds.things import Things

LEAST_PIXELS = 6
"""Latent pixels; fewer are mostly edge."""
FAINTEST = 0.05
"""Of latents, whose spread is about 1: fainter detail is as good as none."""


def texture_loss(found: Tensor, wanted: Tensor, things: Things) -> Tensor:
    """How far the spread of each detail channel over each thing is from its true one; things weigh alike.

    Words say that there are planks and not where the first one ends. A squared error is then least without
    any; how strong the pattern is can be right wherever it lies. Latents are (B, C, h, w), `things` of the
    same pixels.
    """
    rough = [_spread(latents[:, BASE_CHANNELS:], things) for latents in (found, wanted)]
    large = things.pixels >= LEAST_PIXELS
    return (rough[0] - rough[1]).abs()[large].mean()


def _spread(detail: Tensor, things: Things) -> Tensor:
    """The root mean square (T, C) over each thing."""
    return (things.means(detail.square()) + FAINTEST**2).sqrt()
