"""The samplers by name. A new one is a function beside the others, a row here and a parity case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.sampling.array import A
from depthpaint.sampling.evaluate import NoiseSource, Sampling
from depthpaint.sampling.level import NoiseLevel
from depthpaint.sampling.multistep import dpmpp_2m, unipc
from depthpaint.sampling.names import look_up
from depthpaint.sampling.onestep import ddim, euler, euler_ancestral, heun, lcm


class SamplerFunction(Protocol):
    """Begin a run: latents at the first level in, a generator out.

    `noise` is asked only by those that need it.
    """

    def __call__(
        self, latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A] | None = None, /
    ) -> Sampling[A]:
        """Begin the run."""
        ...


class _Deterministic(Protocol):
    def __call__(self, latents: A, levels: Sequence[NoiseLevel], /) -> Sampling[A]: ...


class _Stochastic(Protocol):
    def __call__(self, latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A], /) -> Sampling[A]: ...


@dataclass(frozen=True)
class SamplerSpec:
    """A sampler and what a plan has to know about it.

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
        """Begin a run from latents of unit variance at `levels[0]`.

        `noise` has to be given where it is needed.
        """
        return self.function(latents, levels, noise)


def _noiseless(function: _Deterministic) -> SamplerFunction:
    def start(
        latents: A, levels: Sequence[NoiseLevel], noise: NoiseSource[A] | None = None, /
    ) -> Sampling[A]:
        del noise  # one way to call them all; these have no use for it
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
    """The sampler of this name; a wrong name is answered with the nearest ones."""
    return look_up(SAMPLERS, name, "sampler")
