"""diorama-depth: a small network from picture to disparity, for scenes like diorama's own."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (24, 48, 96, 160, 224)
"""At a half to a thirty-second of the picture's side: sides are multiples of SIDE_MULTIPLE."""
BLOCKS = (1, 2, 3, 4, 2)
SIDE_MULTIPLE = 32


class Block(nn.Module):
    """Depthwise 5 x 5, then two pointwise layers with three times the channels between, and the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.norm = nn.GroupNorm(1, channels)
        self.widen = nn.Conv2d(channels, 3 * channels, 1)
        self.narrow = nn.Conv2d(3 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        return x + self.narrow(functional.gelu(self.widen(self.norm(self.spread(x)))))


class DepthNetwork(nn.Module):
    """Picture (B, 3, H, W) in [0, 1] to the square root of disparity, (B, 1, H, W), about in [0, 1].

    The root gives far things the room that they have in a picture; disparity is its square. An encoder with
    skips; the coarsest level also hears the mean of the whole picture, because how far a wall is shows
    elsewhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, CHANNELS[0], 4, stride=2, padding=1)
        self.downs = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(CHANNELS)
        )
        self.encoders = nn.ModuleList(
            nn.Sequential(*(Block(channels) for _ in range(count)))
            for channels, count in zip(CHANNELS, BLOCKS, strict=True)
        )
        self.whole = nn.Linear(CHANNELS[-1], CHANNELS[-1])
        self.joins = nn.ModuleList(nn.Conv2d(coarse + fine, fine, 1) for fine, coarse in pairwise(CHANNELS))
        self.decoders = nn.ModuleList(Block(channels) for channels in CHANNELS[:-1])
        self.last = nn.Conv2d(CHANNELS[0] + 3, 16, 3, padding=1)
        self.head = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        """See the class."""
        centred = picture * 2 - 1
        x = self.encoders[0](self.stem(centred))
        skips = [x]
        for down, encoder in zip(self.downs, list(self.encoders)[1:], strict=True):
            x = encoder(down(x))
            skips.append(x)
        x = x + self.whole(x.mean((2, 3)))[:, :, None, None]
        for level in range(len(CHANNELS) - 2, -1, -1):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.decoders[level](self.joins[level](torch.cat([x, skips[level]], 1)))
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.head(functional.gelu(self.last(torch.cat([x, centred], 1))))


def depth_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """L1 of roots of disparity (B, 1, H, W), and of differences at four scales (Ranftl et al. 1907.01341).

    The differences keep edges where they are; without them edges are soft.
    """
    loss = (found - wanted).abs().mean()
    for scale in (1, 2, 4, 8):
        apart = functional.avg_pool2d(found - wanted, scale)
        loss = loss + 0.5 * (apart.diff(dim=-1).abs().mean() + apart.diff(dim=-2).abs().mean())
    return loss
