"""Samplers that use earlier answers again: second order at one evaluation a step.

Both integrate the exponential form of the probability-flow ODE over lambda = log(alpha / sigma), with h the
length of the step in lambda and x' = (sigma' / sigma) * x + alpha' * (1 - e^-h) * D for D held constant,
which is DDIM. Pure noise has lambda = -inf and the end +inf; Python's arithmetic on infinities takes every
formula here to its limit, the first-order step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic

from depthpaint.sampling.array import A
from depthpaint.sampling.evaluate import Evaluate, Sampling
from depthpaint.sampling.level import NoiseLevel


@dataclass(frozen=True, eq=False)
class _Answer(Generic[A]):
    """What the model said at a level."""

    level: NoiseLevel
    denoised: A


@dataclass(frozen=True, eq=False)
class _Step(Generic[A]):
    """A step just taken, kept so that the next answer can correct it.

    `before` is the answer older than `start`.
    """

    latents: A
    start: _Answer[A]
    before: _Answer[A] | None


def dpmpp_2m(latents: A, levels: Sequence[NoiseLevel]) -> Sampling[A]:
    """DPM-Solver++(2M), midpoint form: Lu et al., 2211.01095, algorithm 2.

    First order in the first and last step.
    """
    steps = len(levels) - 1
    before: _Answer[A] | None = None
    for index, (here, there) in enumerate(pairwise(levels)):
        denoised = yield Evaluate(latents, here, index, steps)
        estimate = denoised
        # The last step ends clean, an infinite h, for which the extrapolation has no meaning.
        if before is not None and there.sigma > 0.0:
            # D = (1 + 1 / 2r) * D0 - (1 / 2r) * D1, with r the former step over this one.
            half_inverse_r = 0.5 * _gap(here, there) / _gap(before.level, here)
            estimate = denoised + (denoised - before.denoised) * half_inverse_r
        latents = latents * (there.sigma / here.sigma) - estimate * (
            there.alpha * math.expm1(-_gap(here, there))
        )
        before = _Answer(here, denoised)
    return latents


def unipc(latents: A, levels: Sequence[NoiseLevel]) -> Sampling[A]:
    """UniPC of order 2 with B(h) = e^-h - 1 ("bh2"), predicting data: Zhao et al., 2302.04867.

    Each answer first corrects the step that led to it (UniC), then predicts the next one (UniP); the answer
    itself is not asked for again. The last step is of first order and is not corrected.
    """
    steps = len(levels) - 1
    before: _Answer[A] | None = None
    last: _Step[A] | None = None
    for index, (here, there) in enumerate(pairwise(levels)):
        denoised = yield Evaluate(latents, here, index, steps)
        now = _Answer(here, denoised)
        if last is not None:
            latents = _corrected(last, now)
        usable = before if there.sigma > 0.0 else None
        last = _Step(latents, now, usable)
        latents = _predicted(last, there)
        before = now
    return latents


def _gap(here: NoiseLevel, there: NoiseLevel) -> float:
    return there.half_log_snr - here.half_log_snr


def _predicted(step: _Step[A], there: NoiseLevel) -> A:
    """UniP: the first-order step, and from the second step on half the slope between the last two answers."""
    here, denoised = step.start.level, step.start.denoised
    growth = there.alpha * math.expm1(-_gap(here, there))
    latents = step.latents * (there.sigma / here.sigma) - denoised * growth
    if step.before is None:
        return latents
    reach = _gap(here, step.before.level) / _gap(here, there)  # below 0: it lies behind
    return latents - (step.before.denoised - denoised) * (0.5 * growth / reach)


def _corrected(step: _Step[A], now: _Answer[A]) -> A:
    """UniC: the same step once more, now that the answer at its end is known."""
    here, denoised = step.start.level, step.start.denoised
    gap = _gap(here, now.level)
    growth = now.level.alpha * math.expm1(-gap)
    latents = step.latents * (now.level.sigma / here.sigma) - denoised * growth
    if step.before is None:
        return latents - (now.denoised - denoised) * (0.5 * growth)
    reach = _gap(here, step.before.level) / gap
    behind, ahead = _corrector_weights(gap, reach)
    slope = (step.before.denoised - denoised) * (behind / reach) + (now.denoised - denoised) * ahead
    return latents - slope * growth


def _corrector_weights(gap: float, reach: float) -> tuple[float, float]:
    """Weights of the slopes behind and ahead.

    The 2 x 2 system R(h) rho = b(h) of Zhao et al., solved by hand.
    """
    growth = math.expm1(-gap)
    second = -growth / gap - 1.0
    third = -second / gap - 0.5
    first_moment, second_moment = second / growth, 2.0 * third / growth
    behind = (first_moment - second_moment) / (1.0 - reach)
    return behind, first_moment - behind
