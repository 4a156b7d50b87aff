"""Whether what is painted would be taken for the material that it should be of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthpaint.training.worlds.labels import COUNTS

CHANNELS = 64
MATERIAL = 2
"""Which of the three labels it is."""
BLUR = 0.2
"""Noise in the latents that are read: a material has to show, not a trace that only a network sees."""


class MaterialReader(nn.Module):
    """Tells the material of latent pixels from their surroundings, 7 pixels wide, and from nothing else.

    Where a plank lies or a brick ends is for the painter to choose, so an error against the true picture is
    least at a surface without planks and bricks. A reader that has learned on true pictures asks for some,
    wherever they lie. (A perceptual loss, Johnson et al. 1603.08155, whose network is learned beside.)
    """

    def __init__(self, latent_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(latent_channels, CHANNELS, 3, padding=1), nn.GELU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.GELU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.GELU(),
            nn.Conv2d(CHANNELS, COUNTS[MATERIAL], 1),
        )  # fmt: skip

    def forward(self, latents: Tensor, generator: torch.Generator) -> Tensor:
        """Scores (B, materials, h, w) of latents (B, C, h, w)."""
        noise = torch.randn(latents.shape, generator=generator).to(latents.device)
        return self.layers(latents + BLUR * noise)

    def learning_loss(
        self, latents: Tensor, labels: Tensor, weights: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Cross-entropy of true latents; `labels` (B, h, w, 3), `weights` (B, h, w) of mean 1."""
        scores = self(latents, generator)
        return (functional.cross_entropy(scores, labels[..., MATERIAL], reduction="none") * weights).mean()

    def missed(
        self, found: Tensor, wanted: Tensor, labels: Tensor, weights: Tensor, generator: torch.Generator
    ) -> Tensor:
        """How much seldomer things in `found` are taken for what they are than in `wanted`, in [0, 1].

        Nothing is asked for that the true picture does not show either, nor of what has no name.
        """
        named = (labels[..., 0] > 0).float() * weights
        with torch.no_grad():
            true = self._right(wanted, labels, generator)
        lacking = (true - self._right(found, labels, generator)).clamp_min(0)
        return (lacking * named).sum() / named.sum().clamp_min(1)

    def _right(self, latents: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """How likely each pixel's own material seems, (B, h, w)."""
        likely = torch.softmax(self(latents, generator), 1)
        return likely.gather(1, labels[..., MATERIAL][:, None])[:, 0]
