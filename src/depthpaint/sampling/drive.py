"""Run samplers: evaluate the model for their requests, and send the results back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from depthpaint.sampling.levels import NoiseLevel


class Array(Protocol):
    """An array with `+ - * /`, such as `numpy.ndarray` and `torch.Tensor`.

    The results are `Any` because numpy's own annotations are not more precise; the samplers return the type
    that they were given.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes, such as (channels, height, width)."""
        ...

    def __add__(self, other: Any, /) -> Any: ...

    def __sub__(self, other: Any, /) -> Any: ...

    def __mul__(self, other: Any, /) -> Any: ...

    def __truediv__(self, other: Any, /) -> Any: ...


A = TypeVar("A", bound=Array)
"""One array library throughout a call: the result has the type of the input."""


# Any type at all: only the samplers calculate, and pyright cannot bind numpy's overloads inside an alias.
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Evaluate(Generic[T]):
    """A sampler's request to denoise latents.

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
        """The part of the run that is done, in [0, 1): the unit of guidance intervals."""
        return self.index / self.steps


Sampling: TypeAlias = Generator[Evaluate[T], T, T]
"""A run in progress: yields requests, is sent denoised latents, returns the clean latents."""

NoiseSource: TypeAlias = Callable[[int], T]
"""Standard normal noise by number. Number 0 is the first latents.

Step i, counted from 0, uses number i + 1.
"""


@dataclass(frozen=True, eq=False)
class _Finished(Generic[A]):
    latents: A


def drive(
    sampling: Sampling[A],
    denoise: Callable[[Evaluate[A]], A],
    on_step: Callable[[Evaluate[A], A], None] | None = None,
) -> A:
    """Run one picture to its end and return its clean latents."""

    def denoise_many(requests: Sequence[Evaluate[A]]) -> list[A]:
        return [denoise(request) for request in requests]

    def report(_picture: int, request: Evaluate[A], denoised: A) -> None:
        if on_step is not None:
            on_step(request, denoised)

    return drive_together([sampling], denoise_many, report)[0]


def drive_together(
    samplings: Sequence[Sampling[A]],
    denoise_many: Callable[[Sequence[Evaluate[A]]], Sequence[A]],
    on_step: Callable[[int, Evaluate[A], A], None] | None = None,
) -> list[A]:
    """Run several pictures together; return their clean latents in the order given.

    In every round the requests with latents of one shape go into one `denoise_many` call, which returns the
    results in order. The pictures may be at different steps and noise levels, and may end at different times.
    """
    states = [_advance(sampling, None) for sampling in samplings]
    try:
        while groups := _by_shape(states):
            for members in groups:
                answers = denoise_many([request for _, request in members])
                for (picture, request), denoised in zip(members, answers, strict=True):
                    if on_step is not None:
                        on_step(picture, request, denoised)
                    states[picture] = _advance(samplings[picture], denoised)
    finally:
        # After an error or a cancelled run, close all generators to free their arrays.
        for sampling in samplings:
            sampling.close()
    return [state.latents for state in states]


def _advance(sampling: Sampling[A], denoised: A | None) -> Evaluate[A] | _Finished[A]:
    """Send a result (None to begin); returns the next request, or the end."""
    try:
        return next(sampling) if denoised is None else sampling.send(denoised)
    except StopIteration as end:
        return _Finished(end.value)


def _by_shape(states: Sequence[Evaluate[A] | _Finished[A]]) -> list[list[tuple[int, Evaluate[A]]]]:
    groups: dict[tuple[int, ...], list[tuple[int, Evaluate[A]]]] = {}
    for picture, state in enumerate(states):
        if isinstance(state, Evaluate):
            groups.setdefault(tuple(state.latents.shape), []).append((picture, state))
    return list(groups.values())
