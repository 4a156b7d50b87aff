"""diorama-depth: a small network from picture to disparity, for scenes like diorama's own."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (56, 112, 176, 224)
"""At a quarter to a thirty-second of the picture's side: sides are multiples of SIDE_MULTIPLE."""
BLOCKS = (1, 2, 2, 2)
FINE = 8
"""Channels at the picture's own resolution."""
SIDE_MULTIPLE = 32
GROUPS = 8

RANKS, RANK_SQUARES = 2.0, 6.0
"""Weights of ranks in the loss. Six times the mean square is what Spearman's correlation lacks to 1, and it
weighs the few pictures where a wall lies far from its place."""
KNOTS, EVENLY = 65, 0.1
"""How finely ranks are told."""
BELOW_FAR = -0.03
"""Asked of the root where disparity is 0: clamped, a sky is then exactly flat and not faint noise."""


class Block(nn.Module):
    """Two 3 x 3 convolutions, and the input. Depthwise ones have fewer numbers but take longer on a CPU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        return x + self.second(functional.silu(self.first(functional.silu(self.norm(x)))))


class DepthNetwork(nn.Module):
    """Picture (B, 3, H, W) in [0, 1] to the square root of disparity, (B, 1, H, W), about in [0, 1].

    The root gives far things the room that they have in a picture; disparity is its square, 0 where the root
    is negative. An encoder with skips; the coarsest level also hears the mean of the whole picture, because
    how far a wall is shows elsewhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, CHANNELS[0], 8, stride=4, padding=2)
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
        self.unfold = nn.Conv2d(CHANNELS[0], 16 * FINE, 1)
        self.last = nn.Conv2d(FINE + 3, 16, 3, padding=1)
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
        x = functional.pixel_shuffle(self.unfold(x), 4)
        return self.head(functional.gelu(self.last(torch.cat([x, centred], 1))))


def depth_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """How far roots of disparity (B, 1, H, W) are apart: as they are, levelled, in rank and at edges.

    Levelled is without scale and shift, by median and mean deviation (Ranftl et al. 1907.01341, equation 6):
    how near the nearest thing is can often not be seen. Ranks are those of `wanted`'s own pixels: a wall that
    fills half of a picture is half of its ranks, however little of the range it takes. Differences at four
    scales (equation 11) keep edges sharp.
    """
    aimed = torch.where(wanted <= 0, BELOW_FAR, wanted)
    seen = torch.where(wanted <= 0, found.clamp_min(BELOW_FAR), found)
    level, spread = _level(aimed)
    error = _levelled(seen) - _levelled(aimed)
    ranked = _ranks(_levelled(seen) * spread + level, aimed) - _ranks(aimed, aimed)
    loss = error.abs().mean() + (seen - aimed).abs().mean()
    loss = loss + RANKS * ranked.abs().mean() + RANK_SQUARES * ranked.square().mean()
    for scale in (1, 2, 4, 8):
        apart = functional.avg_pool2d(error, scale)
        loss = loss + 0.5 * (apart.diff(dim=-1).abs().mean() + apart.diff(dim=-2).abs().mean())
    return loss


def _level(root: Tensor) -> tuple[Tensor, Tensor]:
    """Median and mean deviation by picture, (B, 1, 1, 1)."""
    level = root.flatten(1).median(1).values.view(-1, 1, 1, 1)
    spread = (root - level).abs().mean((1, 2, 3), keepdim=True).clamp_min(0.02)
    return level, spread


def _levelled(root: Tensor) -> Tensor:
    """Median 0 and mean deviation 1, by picture."""
    level, spread = _level(root)
    return (root - level) / spread


def _ranks(root: Tensor, among: Tensor) -> Tensor:
    """The share of the pixels of `among` (B, 1, H, W) that lie below each of `root`, by picture, in [0, 1].

    Between KNOTS quantiles it is a straight line; EVENLY of the pixels are spread over the whole range, so
    that no slope is endless.
    """
    shares = torch.linspace(0, 1, KNOTS, device=root.device)
    sorted_ = among.flatten(1).sort(1).values
    places = (shares * (sorted_.shape[1] - 1)).round().long()
    knots = sorted_[:, places]
    knots = (1 - EVENLY) * knots + EVENLY * (knots[:, :1] + (knots[:, -1:] - knots[:, :1]) * shares)
    values = root.flatten(1)
    above = torch.searchsorted(knots, values.detach()).clamp(1, KNOTS - 1)
    low, high = knots.gather(1, above - 1), knots.gather(1, above)
    within = ((values - low) / (high - low).clamp_min(1e-4)).clamp(-1, 2)
    return ((above - 1 + within) / (KNOTS - 1)).view_as(root)
