"""The forward process that diorama is trained on, and what its network is asked to predict."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TIMESTEPS = 1000


def alphas_cumprod() -> Tensor:
    """Stable Diffusion's scaled-linear betas, rescaled to zero terminal SNR (Lin et al.

    2305.08891, algorithm 1).
    """
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    root = torch.cumprod(1 - betas, 0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return (root**2).float()


def signal_and_noise(timesteps: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
    """Alpha and sigma (B, 1, 1, 1): noisy latents are alpha x0 + sigma eps.

    The velocity alpha eps - sigma x0 (Salimans and Ho 2202.00512) stands for the picture
    alpha noisy - sigma velocity.
    """
    kept = table[timesteps][:, None, None, None]
    return kept.sqrt(), (1 - kept).sqrt()


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
