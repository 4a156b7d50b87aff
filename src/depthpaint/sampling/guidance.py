"""From outputs of the network to clean latents: prediction types, guidance, the control's window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.sampling.drive import A
from depthpaint.sampling.levels import NoiseLevel, look_up

Prediction = Literal["epsilon", "v_prediction", "sample"]
"""The network's target, with the names of scheduler_config.json."""

PREDICTIONS: dict[str, Prediction] = {
    "epsilon": "epsilon",
    "v_prediction": "v_prediction",
    "sample": "sample",
}


def prediction_named(name: str) -> Prediction:
    """The prediction of this name; an unknown name raises an error with the nearest ones."""
    return look_up(PREDICTIONS, name, "prediction type")


def denoised_from(prediction: Prediction, output: A, latents: A, level: NoiseLevel) -> A:
    """The clean latents x0 that follow from the model's output.

    epsilon: x0 = (x - sigma * eps) / alpha (Ho et al., 2006.11239); v_prediction: x0 = alpha * x - sigma * v
    (Salimans and Ho, 2202.00512, appendix D), which is -v at pure noise; sample: the output itself.
    """
    if prediction == "sample":
        return output
    if prediction == "v_prediction":
        return latents * level.alpha - output * level.sigma
    if level.alpha == 0.0:
        raise ParameterError(
            "epsilon prediction is undefined at pure noise (zero terminal SNR)",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="use a v_prediction model, or build the noise table without the zero-SNR rescale",
        )
    return (latents - output * level.sigma) / level.alpha


def noise_from(denoised: A, latents: A, level: NoiseLevel) -> A:
    """The noise in the latents, given the clean latents `denoised`.

    Eps = (x - alpha * x0) / sigma, sigma above 0.
    """
    return (latents - denoised * level.alpha) / level.sigma


Branch = Literal["uncond", "cond"]
"""One evaluation of the model: with the negative (or empty) prompt, or with the prompt."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """The strength of the prompt, and the interval of guidance.

    The result is u + scale * (c - u), with u the model's output for the negative prompt and c for the
    prompt: **scale 1 means off**, the prompt alone and one model call; scale 0 is the negative prompt
    alone. It is active where start <= fraction < stop of the run (stop 1 includes the end); outside, only the
    prompt is used.
    """

    scale: float
    start: float = 0.0
    stop: float = 1.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.scale) or not 0.0 <= self.start <= self.stop <= 1.0:
            raise ParameterError(
                f"guidance {self.scale} from {self.start} to {self.stop} is not possible",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="give a finite scale (1 is off) and 0 <= start <= stop <= 1",
            )

    def active(self, fraction: float) -> bool:
        """Whether guidance is active at this fraction of the run, in [0, 1]."""
        return self.start <= fraction and (fraction < self.stop or self.stop == 1.0)

    def branches(self, fraction: float) -> tuple[Branch, ...]:
        """The evaluations needed here."""
        if not self.active(fraction) or self.scale == 1.0:
            return ("cond",)
        return ("uncond",) if self.scale == 0.0 else ("uncond", "cond")

    def combine(self, unconditional: A, conditional: A) -> A:
        """Combine both outputs, raw or denoised: u + scale * (c - u)."""
        return unconditional + (conditional - unconditional) * self.scale

    def merge(self, answers: Mapping[Branch, A]) -> A:
        """Combine the outputs of exactly those evaluations that `branches` returned."""
        if len(answers) == 1:
            return next(iter(answers.values()))
        return self.combine(answers["uncond"], answers["cond"])


def composed(answers: Sequence[tuple[A, float]], unconditional: A | None) -> A:
    """One output for several prompts with weights (Liu et al. 2206.01714, eq. 11): u + sum of w (c - u).

    Without the output u for the negative prompt: their weighted mean.
    """
    if len(answers) == 1 and answers[0][1] == 1.0:
        return answers[0][0]
    if unconditional is None:
        total = sum(weight for _, weight in answers)
        first, *others = [output * (weight / total) for output, weight in answers]
    else:
        first, others = unconditional, [(output - unconditional) * weight for output, weight in answers]
    for other in others:
        first = first + other
    return first


@dataclass(frozen=True, slots=True)
class ControlWindow:
    """The part of the run in which depth control is active; fractions, 0 <= start <= end <= 1."""

    start: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.start <= self.end <= 1.0:
            raise ParameterError(
                f"control window {self.start}:{self.end} is not possible",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="give 0 <= start <= end <= 1, for example 0:0.6",
            )

    def open_at(self, index: int, steps: int) -> bool:
        """Whether all of step `index` is inside, by the rule of diffusers' `control_guidance_start/end`."""
        return index / steps >= self.start and (index + 1) / steps <= self.end

    def runs(self, index: int, steps: int, strength: float) -> bool:
        """Whether the control network has to be called; never at strength 0, which has no effect."""
        return strength != 0.0 and self.open_at(index, steps)
