"""From answers of the network to clean latents: prediction types, guidance, the control's window."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.sampling.drive import A
from depthpaint.sampling.levels import NoiseLevel, look_up

Prediction = Literal["epsilon", "v_prediction", "sample"]
"""The network's target, named as scheduler_config.json names it."""

PREDICTIONS: dict[str, Prediction] = {
    "epsilon": "epsilon",
    "v_prediction": "v_prediction",
    "sample": "sample",
}


def prediction_named(name: str) -> Prediction:
    """The prediction of this name; a wrong name is answered with the nearest ones."""
    return look_up(PREDICTIONS, name, "prediction type")


def denoised_from(prediction: Prediction, output: A, latents: A, level: NoiseLevel) -> A:
    """The clean latents x0 that the model's output stands for.

    epsilon: x0 = (x - sigma * eps) / alpha (Ho et al., 2006.11239); v_prediction: x0 = alpha * x - sigma * v
    (Salimans and Ho, 2202.00512, appendix D), which is -v at pure noise; sample: the output itself.
    """
    if prediction == "sample":
        return output
    if prediction == "v_prediction":
        return latents * level.alpha - output * level.sigma
    if level.alpha == 0.0:
        raise ParameterError(
            "a model that predicts the noise says nothing about a picture of pure noise (zero terminal SNR)",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="use a v_prediction model, or build the noise table without the zero-SNR rescale",
        )
    return (latents - output * level.sigma) / level.alpha


def noise_from(denoised: A, latents: A, level: NoiseLevel) -> A:
    """The noise that is in the latents if `denoised` is right.

    Eps = (x - alpha * x0) / sigma, sigma above 0.
    """
    return (latents - denoised * level.alpha) / level.sigma


Branch = Literal["uncond", "cond"]
"""One evaluation of the model: with the negative (or empty) sentence, or with the sentence."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """How strongly the sentence pulls, and when.

    The result is u + scale * (c - u), with u the model's answer to the negative sentence and c to the
    sentence: **scale 1 means off**, the sentence alone and one model call; scale 0 is the negative sentence
    alone. It acts where start <= fraction < stop of the run (stop 1 includes the end); outside, the sentence
    stands alone.
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
        """Does the guidance act at this fraction of the run, in [0, 1]?"""
        return self.start <= fraction and (fraction < self.stop or self.stop == 1.0)

    def branches(self, fraction: float) -> tuple[Branch, ...]:
        """Which evaluations are needed here; the others need not be made."""
        if not self.active(fraction) or self.scale == 1.0:
            return ("cond",)
        return ("uncond",) if self.scale == 0.0 else ("uncond", "cond")

    def combine(self, unconditional: A, conditional: A) -> A:
        """Both answers, as raw outputs or as denoised latents, made one: u + scale * (c - u)."""
        return unconditional + (conditional - unconditional) * self.scale

    def merge(self, answers: Mapping[Branch, A]) -> A:
        """The result of just those evaluations that `branches` named."""
        if len(answers) == 1:
            return next(iter(answers.values()))
        return self.combine(answers["uncond"], answers["cond"])


@dataclass(frozen=True, slots=True)
class ControlWindow:
    """The part of the run in which depth controls the picture; fractions, 0 <= start <= end <= 1."""

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
        """Is the whole of step `index` inside? The rule of diffusers' `control_guidance_start/end`."""
        return index / steps >= self.start and (index + 1) / steps <= self.end

    def runs(self, index: int, steps: int, strength: float) -> bool:
        """Has the control network to be called here? Never at strength 0, which would change nothing."""
        return strength != 0.0 and self.open_at(index, steps)
