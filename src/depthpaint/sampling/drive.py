"""Run samplers: ask the model what they ask for, and send the answers back.

Progress, previews and cancelling belong here and not in the samplers: `on_step` sees every question with its
answer, and whatever it raises ends the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from depthpaint.sampling.array import A
from depthpaint.sampling.evaluate import Evaluate, Sampling


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

    def tell(_picture: int, request: Evaluate[A], denoised: A) -> None:
        if on_step is not None:
            on_step(request, denoised)

    return drive_together([sampling], denoise_many, tell)[0]


def drive_together(
    samplings: Sequence[Sampling[A]],
    denoise_many: Callable[[Sequence[Evaluate[A]]], Sequence[A]],
    on_step: Callable[[int, Evaluate[A], A], None] | None = None,
) -> list[A]:
    """Run many pictures side by side; return their clean latents in the order given.

    In every round the questions of one latent shape go into one `denoise_many` call, which answers them in
    order. The pictures may be at different steps and noise levels, and may end at different times.
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
        # After an error or a cancelled run none is left suspended with its arrays alive.
        for sampling in samplings:
            sampling.close()
    return [state.latents for state in states]


def _advance(sampling: Sampling[A], denoised: A | None) -> Evaluate[A] | _Finished[A]:
    """Send an answer (None to begin); the next question comes back, or the end."""
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
