"""Which Stable Diffusion a single checkpoint is, told from the names and shapes in its header alone."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open

from depthpaint.models.folder_json import incompatible
from depthpaint.models.stable_diffusion.habits import habits_from
from depthpaint.models.stable_diffusion.layouts import LAYOUTS, Family
from depthpaint.models.weights import require_whole
from depthpaint.plan.habits import ModelHabits

UNET = "model.diffusion_model."
FIRST = f"{UNET}input_blocks.0.0.weight"
_OTHERS = {
    "double_blocks.": "Flux", "joint_blocks.": "Stable Diffusion 3", 
    "transformer_blocks.0.attn.": "Flux or SD 3",
    "first_stage_model.": "an autoencoder alone", "control_model.": "a control network alone",
    "lora_": "a LoRA",
}  # fmt: skip


def family_of(file: Path) -> Family:
    """The family of a checkpoint in the original layout.

    Of SD 2's two kinds, which have the same weights' shapes, the one that predicts the velocity is taken:
    2.1 at 768 pixels. Raises ModelError for anything else.
    """
    require_whole(file)
    with safe_open(file, framework="numpy") as stream:
        names = set(stream.keys())
        if FIRST not in names:
            kind = next((told for sign, told in _OTHERS.items() if any(sign in n for n in names)), "none")
            raise incompatible(file, f"it is {kind}, and no checkpoint of Stable Diffusion 1, 2 or XL")
        channels = int(stream.get_slice(FIRST).get_shape()[1])
    if channels not in (4, 5):
        raise incompatible(file, f"its UNet takes {channels} channels: a model for inpainting or editing")

    def has(prefix: str) -> bool:
        return any(name.startswith(prefix) for name in names)

    if has("conditioner.embedders.1."):
        return "sdxl"
    if has("conditioner.embedders.0."):
        raise incompatible(file, "it is SDXL's refiner, which paints nothing from noise")
    if has("cond_stage_model.model."):
        return "sd2-depth" if channels == 5 else "sd21"
    if has("cond_stage_model.transformer."):
        return "sd15"
    raise incompatible(file, "it brings no text encoder")


def habits_of_file(file: Path, name: str) -> ModelHabits:
    """A checkpoint's habits: its family's."""
    parts = LAYOUTS[family_of(file)]
    return habits_from(parts["unet"], parts["vae"], parts["scheduler"], name)
