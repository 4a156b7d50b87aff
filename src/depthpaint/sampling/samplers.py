"""The samplers by name. To add one: a function beside the others, a row in the table and a parity check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, Protocol

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.sampling.drive import A, Evaluate, NoiseSource, Sampling
from depthpaint.sampling.guidance import noise_from
from depthpaint.sampling.levels import NoiseLevel, look_up


def noised(clean: A, noise: A, level: NoiseLevel) -> A:
    """Latents to start from at `level`: `clean` ones with `noise` of unit variance.

    At a level of pure noise it is the noise itself. Ho et al., 2006.11239, equation 4; image to image starts
    so (Meng et al., 2108.01073).
    """
    return noise if level.is_pure_noise else clean * level.alpha + noise * level.sigma


def euler(latents: A, levels: Sequence[NoiseLevel]) -> Sampling[A]:
    """Euler steps on the probability-flow ODE: Karras et al., 2206.00364, algorithm 1 without churn."""
    return ddim(latents, levels)


def euler_ancestral(latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A]) -> Sampling[A]:
    """Euler down past the next level, then fresh noise up to it (k-diffusion); the steps of DDIM with eta 1.

    In k-diffusion's sigmas s, s': down = s'^2 / s, up = sqrt(s'^2 - down^2), so kept = s' / s.
    """
    return ddim(latents, levels, noise, eta=1.0)


def lcm(latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A]) -> Sampling[A]:
    """Consistency sampling (Luo et al. 2310.04378, algorithm 3): the prediction, with fresh noise added.

    For networks trained to predict the whole picture at once; with others it does not work.
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
    from pure noise; there the step is Euler's. diffusers' Heun does not support zero terminal SNR.
    """
    steps = len(levels) - 1
    for index, (here, there) in enumerate(pairwise(levels)):
        denoised = yield Evaluate(latents, here, index, steps)
        slope = noise_from(denoised, latents, here)
        predicted: A = denoised * there.alpha + slope * there.sigma
        if there.sigma > 0.0 and not here.is_pure_noise:
            denoised = yield Evaluate(predicted, there, index, steps, substep=1)
            bend = (noise_from(denoised, predicted, there) - slope) * 0.5
            predicted = predicted + bend * (there.alpha * (there.ratio - here.ratio))
        latents = predicted
    return latents


@dataclass(frozen=True, eq=False)
class _Answer(Generic[A]):
    """The model's output at a level."""

    level: NoiseLevel
    denoised: A


@dataclass(frozen=True, eq=False)
class _Step(Generic[A]):
    """The last step, kept so that the next output can correct it.

    `before` is the output before `start`.
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
        # The last step ends clean, with infinite h, where extrapolation is undefined.
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

    Each output first corrects the step that led to it (UniC), then predicts the next one (UniP); no
    additional evaluation is made. The last step is of first order and is not corrected.
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
    """UniP: the first-order step, and from the second on half the slope between the last two outputs."""
    here, denoised = step.start.level, step.start.denoised
    growth = there.alpha * math.expm1(-_gap(here, there))
    latents = step.latents * (there.sigma / here.sigma) - denoised * growth
    if step.before is None:
        return latents
    reach = _gap(here, step.before.level) / _gap(here, there)  # below 0: it lies behind
    return latents - (step.before.denoised - denoised) * (0.5 * growth / reach)


def _corrected(step: _Step[A], now: _Answer[A]) -> A:
    """UniC: the same step again, with the output at its end."""
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


class SamplerFunction(Protocol):
    """Start a run: takes latents at the first level, returns a generator.

    `noise` is used only by stochastic samplers.
    """

    def __call__(
        self, latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A] | None = None, /
    ) -> Sampling[A]:
        """Start the run."""
        ...


class _Deterministic(Protocol):
    def __call__(self, latents: A, levels: Sequence[NoiseLevel], /) -> Sampling[A]: ...


class _Stochastic(Protocol):
    def __call__(self, latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A], /) -> Sampling[A]: ...


@dataclass(frozen=True)
class SamplerSpec:
    """A sampler, with the properties needed for planning.

    `order` is that of its error in the step length; `evaluations_per_step` counts model calls (Heun's last
    step, and its first one from pure noise, take one).
    """

    name: str
    function: SamplerFunction
    order: int
    evaluations_per_step: int
    needs_noise: bool
    reference: str

    def start(
        self, latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A] | None = None
    ) -> Sampling[A]:
        """Start a run from latents of unit variance at `levels[0]`.

        `noise` is required for stochastic samplers.
        """
        return self.function(latents, levels, noise)


def _noiseless(function: _Deterministic) -> SamplerFunction:
    def start(
        latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A] | None = None, /
    ) -> Sampling[A]:
        del noise  # unused, for a common signature
        return function(latents, levels)

    return start


def _noisy(name: str, function: _Stochastic) -> SamplerFunction:
    def start(
        latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A] | None = None, /
    ) -> Sampling[A]:
        if noise is None:
            raise ParameterError(
                f"the sampler {name} needs a noise source",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="pass noise, for example core.noise.NoiseDraws(shape, seed)",
            )
        return function(latents, levels, noise)

    return start


_ROWS = (
    SamplerSpec("euler", _noiseless(euler), 1, 1, False, "Karras et al., 2206.00364"),
    SamplerSpec(
        "euler-ancestral",
        _noisy("euler-ancestral", euler_ancestral),
        1,
        1,
        True,
        "Crowson, k-diffusion; Song et al., 2010.02502, eta 1",
    ),
    SamplerSpec("heun", _noiseless(heun), 2, 2, False, "Karras et al., 2206.00364, algorithm 1"),
    SamplerSpec("dpm++-2m", _noiseless(dpmpp_2m), 2, 1, False, "Lu et al., 2211.01095, algorithm 2"),
    SamplerSpec("ddim", _noiseless(ddim), 1, 1, False, "Song et al., 2010.02502, eta 0"),
    SamplerSpec("lcm", _noisy("lcm", lcm), 1, 1, True, "Luo et al., 2310.04378, algorithm 3"),
    SamplerSpec("unipc", _noiseless(unipc), 2, 1, False, "Zhao et al., 2302.04867, order 2, bh2"),
)

SAMPLERS: dict[str, SamplerSpec] = {spec.name: spec for spec in _ROWS}


def sampler_named(name: str) -> SamplerSpec:
    """The sampler of this name; an unknown name raises an error with the nearest ones."""
    return look_up(SAMPLERS, name, "sampler")
