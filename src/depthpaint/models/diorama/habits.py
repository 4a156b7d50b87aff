"""What diorama is used to."""

from __future__ import annotations

from depthpaint.plan import ModelHabits

DIORAMA = ModelHabits(
    name="diorama",
    trained_area=256 * 256,
    smallest_area=192 * 192,
    largest_area=352 * 352,
    multiple=32,
    latent_factor=8,
    latent_channels=16,
    prediction="v_prediction",
    zero_terminal_snr=True,
    sampler="ddim",
    schedule="early",
    num_inference_steps=2,
    # It was taught to decide without (training/colour_loss.py).
    guidance_scale=1.0,
    control_strength=1.0,
    # Its colours are sure to half a latent pixel; where surfaces end, the depth map knows better.
    softness=4,
    output_area=512 * 512,
)
