"""Samplers that remember nothing between steps: Euler, DDIM, Euler ancestral, Heun.

They are one formula. With D the denoised latents and eps = (x - alpha * D) / sigma, the step to (alpha',
sigma') is `x' = alpha' * D + sigma' * (kept * eps + fresh * noise)`, with kept^2 + fresh^2 = 1. fresh = 0 is
DDIM, and it is also Euler on the probability-flow ODE in sigma / alpha, where that ODE's slope is eps. It
needs no division by alpha and so is exact from pure noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.sampling.array import A
from depthpaint.sampling.evaluate import Evaluate, NoiseSource, Sampling
from depthpaint.sampling.level import NoiseLevel
from depthpaint.sampling.parameterization import noise_from
from depthpaint.sampling.table import TERMINAL_FLOOR

# A little above the floor, for the rounding of its root; trained levels before the last one lie higher.
_PURE_NOISE = 1.01 * math.sqrt(TERMINAL_FLOOR)


def euler(latents: A, levels: Sequence[NoiseLevel]) -> Sampling[A]:
    """Euler steps on the probability-flow ODE: Karras et al., 2206.00364, algorithm 1 without churn."""
    return ddim(latents, levels)


def euler_ancestral(latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A]) -> Sampling[A]:
    """Euler down past the next level, then fresh noise up to it (k-diffusion); the steps of DDIM with eta 1.

    In k-diffusion's sigmas s, s': down = s'^2 / s, up = sqrt(s'^2 - down^2), so kept = s' / s.
    """
    return ddim(latents, levels, noise, eta=1.0)


def lcm(latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A]) -> Sampling[A]:
    """Consistency sampling (Luo et al. 2310.04378, algorithm 3): what is seen, and fresh noise on it.

    For networks that were taught to see the whole picture at once; others paint mush with it.
    """
    steps = len(levels) - 1
    for index, (here, there) in enumerate(pairwise(levels)):
        denoised = yield Evaluate(latents, here, index, steps)
        latents = denoised * there.alpha
        if there.sigma > 0.0:
            latents = latents + noise(index + 1) * there.sigma
    return latents


def ddim(
    latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A] | None = None, eta: float = 0.0
) -> Sampling[A]:
    """DDIM: Song et al., 2010.02502, equations 12 and 16; eta in [0, 1], 0 deterministic, 1 as DDPM."""
    if not 0.0 <= eta <= 1.0 or (eta > 0.0 and noise is None):
        raise ParameterError(
            f"eta {eta} {'needs a noise source' if 0.0 < eta <= 1.0 else 'is outside 0 .. 1'}",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give eta in 0 .. 1, and noise where it is above 0",
        )
    return _ddim(latents, levels, noise, eta)


def _ddim(latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A] | None, eta: float) -> Sampling[A]:
    steps = len(levels) - 1
    for index, (here, there) in enumerate(pairwise(levels)):
        denoised = yield Evaluate(latents, here, index, steps)
        fresh = eta * math.sqrt(max(0.0, 1.0 - (there.ratio / here.ratio) ** 2))
        direction = noise_from(denoised, latents, here) * math.sqrt(1.0 - fresh**2)
        if noise is not None and fresh > 0.0 and there.sigma > 0.0:
            direction = direction + noise(index + 1) * fresh
        latents = denoised * there.alpha + direction * there.sigma
    return latents


def heun(latents: A, levels: Sequence[NoiseLevel]) -> Sampling[A]:
    """Heun's steps: Karras et al., 2206.00364, algorithm 1; two evaluations a step, one in the last.

    The trapezoid in sigma / alpha multiplies errors of the first evaluation by sigma / sigma', which explodes
    from pure noise; there the step is Euler's. diffusers' Heun does not know zero terminal SNR at all.
    """
    steps = len(levels) - 1
    for index, (here, there) in enumerate(pairwise(levels)):
        denoised = yield Evaluate(latents, here, index, steps)
        slope = noise_from(denoised, latents, here)
        predicted: A = denoised * there.alpha + slope * there.sigma
        if there.sigma > 0.0 and here.alpha > _PURE_NOISE:
            denoised = yield Evaluate(predicted, there, index, steps, substep=1)
            bend = (noise_from(denoised, predicted, there) - slope) * 0.5
            predicted = predicted + bend * (there.alpha * (there.ratio - here.ratio))
        latents = predicted
    return latents
