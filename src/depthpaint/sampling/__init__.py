"""Schedules, samplers, guidance, control window: mathematics that knows no model and no array library.

Latents are variance preserving everywhere: x = alpha * x0 + sigma * eps (see `level`).
"""

from depthpaint.sampling.array import Array
from depthpaint.sampling.drive import drive, drive_together
from depthpaint.sampling.evaluate import Evaluate, NoiseSource, Sampling
from depthpaint.sampling.guidance import Branch, Guidance
from depthpaint.sampling.level import CLEAN, NoiseLevel
from depthpaint.sampling.parameterization import Prediction, denoised_from, noise_from, prediction_named
from depthpaint.sampling.samplers import SAMPLERS, SamplerSpec, sampler_named
from depthpaint.sampling.schedule import SCHEDULES, Schedule, schedule_named
from depthpaint.sampling.table import NoiseTable, betas_named, scaled_linear_alphas, scaled_linear_betas
from depthpaint.sampling.window import ControlWindow

__all__ = [
    "CLEAN",
    "SAMPLERS",
    "SCHEDULES",
    "Array",
    "Branch",
    "ControlWindow",
    "Evaluate",
    "Guidance",
    "NoiseLevel",
    "NoiseSource",
    "NoiseTable",
    "Prediction",
    "SamplerSpec",
    "Sampling",
    "Schedule",
    "betas_named",
    "denoised_from",
    "drive",
    "drive_together",
    "noise_from",
    "prediction_named",
    "sampler_named",
    "scaled_linear_alphas",
    "scaled_linear_betas",
    "schedule_named",
]
