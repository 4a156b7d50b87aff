"""Which Stable Diffusion a single checkpoint is, told from the names and shapes in its header alone."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from depthpaint.models.folder_json import incompatible
from depthpaint.models.stable_diffusion.habits import habits_from
from depthpaint.models.stable_diffusion.layouts import LAYOUTS, Family
from depthpaint.models.stable_diffusion.told_noise import Prediction, prediction_told, scheduler_told
from depthpaint.models.weights import require_whole
from depthpaint.plan import ModelHabits

UNET = "model.diffusion_model."
FIRST = f"{UNET}input_blocks.0.0.weight"
_OTHERS = {
    "double_blocks.": "Flux", "joint_blocks.": "Stable Diffusion 3",
    "transformer_blocks.0.attn.": "Flux or SD 3",
    "lora_": "a LoRA", "control_model.": "a control network alone",
    "input_hint_block.": "a control network alone", "controlnet_cond_embedding.": "a control network alone",
    "first_stage_model.": "an autoencoder alone",
}  # fmt: skip
_TRAINED_OTHERWISE = {
    "edm_vpred.sigma_max": "CosXL", "edm_mean": "Playground 2.5",
    f"{UNET}label_emb.0.0.weight": "an unCLIP model, which hears pictures",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a checkpoint is; `scheduler` where it is not the family's, `doubt` what was assumed, or ""."""

    family: Family
    scheduler: dict[str, Any]
    doubt: str = ""


def family_of(file: Path) -> Family:
    """The family of a checkpoint in the original layout. Raises ModelError as `kind_of` does."""
    return kind_of(file).family


def kind_of(file: Path) -> FileKind:
    """What a checkpoint in the original layout is.

    SD 2's two kinds have the same names and shapes; where nothing tells them apart, it is the one that
    predicts the velocity, 2.1 at 768 pixels. Raises ModelError model_incompatible for anything else than SD
    1, 2 or XL, model_truncated for what is no whole safetensors.
    """
    require_whole(file)
    with safe_open(file, framework="numpy") as stream:
        names = set(stream.keys())
        texts: dict[str, str] = stream.metadata() or {}
        if FIRST not in names:
            kind = next((told for sign, told in _OTHERS.items() if any(sign in n for n in names)), "none")
            raise incompatible(file, f"it is {kind}, and no checkpoint of Stable Diffusion 1, 2 or XL")
        channels = int(stream.get_slice(FIRST).get_shape()[1])
    if channels not in (4, 5):
        raise incompatible(file, f"its UNet takes {channels} channels: a model for inpainting or editing")
    family = _family(file, names, channels)
    told = prediction_told(file, names, texts)
    scheduler = scheduler_told(told, names)
    if family != "sd21" or told is not None:
        return FileKind(_kind_of_sd2(family, told), scheduler)
    return FileKind(family, scheduler, _doubt(file))


def habits_of_file(file: Path, name: str) -> ModelHabits:
    """A checkpoint's habits: its family's, with what it says of its noise."""
    kind = kind_of(file)
    parts = LAYOUTS[kind.family]
    return habits_from(parts["unet"], parts["vae"], parts["scheduler"] | kind.scheduler, name)


def _family(file: Path, names: Set[str], channels: int) -> Family:
    def has(prefix: str) -> bool:
        return any(name.startswith(prefix) for name in names)

    is_xl = has("conditioner.embedders.1.")
    if has("conditioner.embedders.0.") and not is_xl:
        raise incompatible(file, "it is SDXL's refiner, which paints nothing from noise")
    for sign, kind in _TRAINED_OTHERWISE.items():
        if sign in names and not (is_xl and sign.startswith(UNET)):
            raise incompatible(file, f"it is {kind}")
    if is_xl:
        return "sdxl"
    if has("cond_stage_model.model."):
        return "sd2-depth" if channels == 5 else "sd21"
    if has("cond_stage_model.transformer."):
        return "sd15"
    raise incompatible(file, "it brings no text encoder")


def _kind_of_sd2(family: Family, told: Prediction | None) -> Family:
    return "sd21-base" if family == "sd21" and told == "epsilon" else family


def _doubt(file: Path) -> str:
    return (
        f"{file.name} does not say what it predicts; it is painted as SD 2.1 at 768 pixels (velocity). Where "
        f"pictures are noise, put {file.stem}.yaml beside it with the line: parameterization: eps"
    )
