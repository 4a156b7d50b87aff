"""What the network predicts, turned into the clean latents: x = alpha * x0 + sigma * eps solved for x0.

One place for eps, v and x0 models, so that samplers know only denoised latents. All functions are linear in
the model's output; mixing outputs (guidance) and then converting is the same as converting and then mixing.
"""

from __future__ import annotations

from typing import Literal

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.sampling.array import A
from depthpaint.sampling.level import NoiseLevel
from depthpaint.sampling.names import look_up

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
