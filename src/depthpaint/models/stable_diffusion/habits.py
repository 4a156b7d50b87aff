"""What a model in diffusers' layout is used to, from its configurations alone: nothing heavy is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depthpaint.models.configuration_bounds import UNET
from depthpaint.models.folder_json import incompatible, read_configuration
from depthpaint.plan import ModelHabits

SMALLEST_SHARE, LARGEST_SHARE = 0.4, 2.3
"""Of the trained area: what is painted as it is. Below, shapes fall apart; above, things are doubled."""
MOST_SIDE, MOST_MULTIPLE = 2_048, 512
"""Pixels of the trained side, and what canvas sides are multiples of; SDXL has 1024 and 32."""
STEPS, GUIDANCE = 20, 7.5
XL_GUIDANCE = 5.0
CHANNELS = "block_out_channels"


def habits_of(folder: Path, name: str) -> ModelHabits:
    """Read a model's habits. Raises ModelError model_not_found or model_incompatible."""
    unet = read_configuration(folder / "unet" / "config.json", UNET)
    vae = read_configuration(folder / "vae" / "config.json")
    scheduler = read_configuration(folder / "scheduler" / "scheduler_config.json")
    for part, told in (("unet", unet), ("vae", vae)):
        if CHANNELS not in told:
            raise incompatible(folder / part, f"config.json: its {CHANNELS} is missing")
    habits = habits_from(unet, vae, scheduler, name)
    side = round(habits.trained_area**0.5)
    if side > MOST_SIDE or habits.multiple > MOST_MULTIPLE:
        told = f"{side} pixels in multiples of {habits.multiple}"
        most = f"at most {MOST_SIDE} in multiples of {MOST_MULTIPLE}"
        raise incompatible(folder, f"its configurations tell of sides of {told}, and {most} can be painted")
    return habits


def habits_from(
    unet: Mapping[str, Any], vae: Mapping[str, Any], scheduler: Mapping[str, Any], name: str
) -> ModelHabits:
    """The habits that three configurations come to."""
    factor = 2 ** (len(vae[CHANNELS]) - 1)
    side = int(unet.get("sample_size", 64)) * factor
    levels = len(unet[CHANNELS]) - 1
    xl = unet.get("addition_embed_type") == "text_time"
    return ModelHabits(
        name=name,
        trained_area=side * side,
        smallest_area=round(SMALLEST_SHARE * side * side),
        largest_area=round(LARGEST_SHARE * side * side),
        multiple=factor * 2**levels,
        latent_factor=factor,
        latent_channels=int(vae.get("latent_channels", 4)),
        prediction=_prediction(scheduler),
        zero_terminal_snr=bool(scheduler.get("rescale_betas_zero_snr", False)),
        beta_schedule=str(scheduler.get("beta_schedule", "scaled_linear")),
        beta_start=float(scheduler.get("beta_start", 0.00085)),
        beta_end=float(scheduler.get("beta_end", 0.012)),
        train_timesteps=int(scheduler.get("num_train_timesteps", 1000)),
        sampler="dpm++-2m",
        schedule="karras",
        num_inference_steps=STEPS,
        guidance_scale=XL_GUIDANCE if xl else GUIDANCE,
        control_strength=1.0,
    )


def _prediction(scheduler: Mapping[str, Any]) -> Any:
    return scheduler.get("prediction_type", "epsilon")
