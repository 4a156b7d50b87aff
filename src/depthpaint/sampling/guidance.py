"""Classifier-free guidance.

Ho and Salimans, 2207.12598, in an interval of the run (Kynkäänniemi et al., 2404.07724).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.sampling.array import A

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
