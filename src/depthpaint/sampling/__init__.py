"""Schedules, samplers, guidance and control window, independent of models and array libraries.

Latents are variance preserving everywhere: x = alpha * x0 + sigma * eps (see `level`).
"""

from depthpaint.sampling.drive import Array, Evaluate, NoiseSource, Sampling, drive, drive_together
from depthpaint.sampling.guidance import (
    Branch,
    ControlWindow,
    Guidance,
    Prediction,
    denoised_from,
    noise_from,
    prediction_named,
)
from depthpaint.sampling.levels import (
    CLEAN,
    NoiseLevel,
    NoiseTable,
    betas_named,
    scaled_linear_alphas,
    scaled_linear_betas,
)
from depthpaint.sampling.samplers import SAMPLERS, SamplerSpec, sampler_named
from depthpaint.sampling.schedule import SCHEDULES, Schedule, schedule_named

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
