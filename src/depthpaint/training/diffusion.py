"""The forward process that diorama is trained on, and what its network is asked to predict."""

from __future__ import annotations

import torch
from torch import Tensor

TIMESTEPS = 1000


def alphas_cumprod() -> Tensor:
    """Stable Diffusion's scaled-linear betas, rescaled to zero terminal SNR (Lin et al. 2305.08891, algorithm 1)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    root = torch.cumprod(1 - betas, 0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return (root**2).float()


def noised(latents: Tensor, noise: Tensor, timesteps: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
    """Return the noisy latents and the velocity to predict, v = alpha eps - sigma x0 (Salimans and Ho 2202.00512)."""
    kept = table[timesteps][:, None, None, None]
    alpha, sigma = kept.sqrt(), (1 - kept).sqrt()
    return alpha * latents + sigma * noise, alpha * noise - sigma * latents


def random_timesteps(count: int, generator: torch.Generator) -> Tensor:
    """Three in four uniform, one in four from the noisiest twentieth, where depth and words alone decide."""
    uniform = torch.randint(0, TIMESTEPS, (count,), generator=generator)
    noisiest = torch.randint(TIMESTEPS - TIMESTEPS // 20, TIMESTEPS, (count,), generator=generator)
    chosen = torch.rand(count, generator=generator) < 0.25
    return torch.where(chosen, noisiest, uniform)
