"""The forward process that diorama is trained on, and what its network is asked to predict."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TIMESTEPS = 1000
BASE_CHANNELS = 3
"""The first latent channels, nearly the mean colour of a patch."""


def alphas_cumprod() -> Tensor:
    """Stable Diffusion's scaled-linear betas, rescaled to zero terminal SNR (Lin et al.

    2305.08891, algorithm 1).
    """
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    root = torch.cumprod(1 - betas, 0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return (root**2).float()


def noised(latents: Tensor, noise: Tensor, timesteps: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
    """Return the noisy latents and the velocity to predict.

    V = alpha eps - sigma x0 (Salimans and Ho 2202.00512).
    """
    kept = table[timesteps][:, None, None, None]
    alpha, sigma = kept.sqrt(), (1 - kept).sqrt()
    return alpha * latents + sigma * noise, alpha * noise - sigma * latents


@dataclass(frozen=True, slots=True)
class Emphasis:
    """Which timesteps are learned most.

    A share `deciding` comes from the noisiest tenth: there the latents show nothing, so depth and words alone
    decide. Of the rest, `middle_share` comes from `middle`, where shapes become sharp: a network that saw too
    little of it lets noise through, which ends as blots. The others come from everywhere.
    """

    deciding: float
    middle: tuple[int, int]
    middle_share: float


def random_timesteps(count: int, generator: torch.Generator, emphasis: Emphasis) -> Tensor:
    """Draw `count` timesteps in [0, TIMESTEPS)."""
    kind = torch.rand(count, generator=generator)
    deciding = emphasis.deciding
    low = torch.where(kind < deciding, TIMESTEPS - TIMESTEPS // 10, 0)
    high = torch.full((count,), TIMESTEPS)
    middle = (kind >= deciding) & (kind < deciding + (1 - deciding) * emphasis.middle_share)
    low, high = torch.where(middle, emphasis.middle[0], low), torch.where(middle, emphasis.middle[1], high)
    return low + (torch.rand(count, generator=generator) * (high - low)).long()


def picture_weight(timesteps: Tensor, table: Tensor) -> Tensor:
    """Weights (B, 1, 1, 1) that make a velocity's squared error that of the picture it stands for: sigma^2.

    Unweighted, most of the gradient comes from noise that nearly clean latents cannot be told from, and
    sampling ends in blots: what the noisy half of the schedule decides is not learned.
    """
    return (1 - table[timesteps])[:, None, None, None]


def standing_out(latents: Tensor, strength: float = 4.0) -> Tensor:
    """Weights (B, 1, h, w) of mean 1 that lift what stands out of its row: the things.

    Which fill a tenth of a scene.

    Floor, wall and sky hardly change along a row, so the distance to the row's median finds things without
    masks. Without this the colour of a small thing is worth almost nothing to the mean squared error, and is
    learned last.
    """
    base = latents[:, :BASE_CHANNELS]
    outstanding = (base - base.median(dim=-1, keepdim=True).values).square().sum(1, keepdim=True).sqrt()
    weights = 1 + strength * (outstanding / 1.5).clamp_max(1)
    return weights / weights.mean()
