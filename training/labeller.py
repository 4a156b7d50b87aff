"""A reader beside the UNet that must name what every latent pixel shows: noun, colour and material.

The squared error of a picture tells a network slowly which surface a word of the sentence means; a name for
every pixel tells it at once. It learns with the painter and is left behind when that is exported.
"""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional

from training.worlds.labels import COUNTS

SHARES = (1.0, 2.0, 1.0)
"""What noun, colour and material weigh: the depth shows a noun, a colour has to come from the words."""


class Labeller(nn.Module):
    """Reads the features from which the UNet predicts: one linear map to the scores of all names."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.scores = nn.Conv2d(unet.config["block_out_channels"][0], sum(COUNTS), 1)
        # From nothing, the painter's features are left alone until their names are about right.
        for start in self.scores.parameters():
            nn.init.zeros_(start)
        self._seen: Tensor | None = None
        unet.conv_out.register_forward_pre_hook(self._look)

    def loss(self, labels: Tensor, weights: Tensor) -> Tensor:
        """Cross-entropy of `labels` (B, h, w, 3) after the UNet's last pass, summed by SHARES.

        `weights` (B, h, w) of mean 1 say how much each pixel counts.
        """
        if self._seen is None:
            raise RuntimeError("the UNet has not been run")
        scores = self.scores(self._seen).split(COUNTS, 1)
        self._seen = None
        losses = [
            share * functional.cross_entropy(s, labels[..., i], reduction="none")
            for i, (s, share) in enumerate(zip(scores, SHARES, strict=True))
        ]
        return (torch.stack(losses).sum(0) * weights).mean()

    def _look(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        del module
        self._seen = inputs[0]
