"""What a model is used to: the sizes it was trained at, and the settings it paints best with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from depthpaint.depth.profile import ProfileName


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHabits:
    """The part of a model's entry that planning needs; it travels without any weights.

    `trained_area` and `largest_area` are pixels: a picture is painted at its own size up to `largest_area`,
    and painted at `trained_area` and resized beyond it or below `smallest_area`. Canvas sides are multiples
    of `multiple` pixels; a latent covers `latent_factor` pixels a side. `prediction` says what the network
    predicts; `zero_terminal_snr` whether its noise table was rescaled (Lin et al. 2305.08891); the betas are
    those of scheduler_config.json. `softness` is how many painted pixels edges are spread over: above 1 the
    depth map draws the edges of every picture. `profile` names what its depth network was
    trained on (depth.profile). `output_area` is the pixels of a picture whose size nobody asked for: without
    it, as many as are painted.
    """

    name: str
    trained_area: int
    smallest_area: int
    largest_area: int
    multiple: int
    latent_factor: int
    latent_channels: int
    prediction: Literal["epsilon", "v_prediction", "sample"]
    zero_terminal_snr: bool
    beta_schedule: str = "scaled_linear"
    beta_start: float = 0.00085
    beta_end: float = 0.012
    train_timesteps: int = 1000
    sampler: str
    schedule: str
    num_inference_steps: int
    guidance_scale: float
    control_strength: float
    profile: ProfileName = "midas"
    softness: int = 1
    output_area: int | None = None
