"""What a sampler and the one who drives it say to each other."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from depthpaint.sampling.level import NoiseLevel

# Any type at all: only the samplers calculate, and pyright cannot bind numpy's overloads inside an alias.
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Evaluate(Generic[T]):
    """A sampler's question: what would these latents be without their noise?

    `latents` are variance preserving at `level` and go into the model unscaled, with `level.timestep`.
    `index` counts the steps, 0 .. steps - 1; `substep` is 1 for the second evaluation within a step (Heun),
    otherwise 0.
    """

    latents: T
    level: NoiseLevel
    index: int
    steps: int
    substep: int = 0

    @property
    def fraction(self) -> float:
        """How much of the run is done, in [0, 1): what guidance intervals are measured in."""
        return self.index / self.steps


Sampling: TypeAlias = Generator[Evaluate[T], T, T]
"""A run in progress: yields questions, is sent denoised latents, returns the clean latents."""

NoiseSource: TypeAlias = Callable[[int], T]
"""Standard normal noise by number. Number 0 is the first latents.

Step i, counted from 0, asks for number i + 1.
"""
