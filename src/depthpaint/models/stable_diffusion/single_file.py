"""A checkpoint in one file, as the web UIs have it: its parts in diffusers' modules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors import safe_open

from depthpaint.models.stable_diffusion.file_family import UNET, kind_of
from depthpaint.models.stable_diffusion.file_weights import FileWeights, filled, spelled
from depthpaint.models.stable_diffusion.layouts import LAYOUTS, Family
from depthpaint.models.stable_diffusion.open_clip import of_open_clip
from depthpaint.models.stable_diffusion.original_names import original_name, original_vae_name
from depthpaint.models.stable_diffusion.tokenizers import tokenizer_for

VAE = "first_stage_model."
_HALVES = ("encoder.", "decoder.")


def parts_of(file: Path, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """The parts that painting needs, by diffusers' names.

    Raises ModelError: model_incompatible where a weight is missing or has no place, model_truncated, and
    model_not_found where no tokenizer is found.
    """
    family = kind_of(file).family
    layout = LAYOUTS[family]
    parts: dict[str, Any] = {}
    with safe_open(file, framework="pt") as stream:
        weights = FileWeights(file, stream)
        spell = spelled(weights, lambda module: UNET + original_name(module, layout["unet"]))
        unet = without_memory(diffusers.UNet2DConditionModel, layout["unet"])
        parts["unet"] = filled(file, unet, spell, device, dtype)
        weights.require_all_taken(UNET)
        parts["vae"] = autoencoder(weights, diffusers.AutoencoderKL, layout["vae"], VAE, device, dtype)
        for name in ("text_encoder", "text_encoder_2"):
            if name in layout:
                parts[name] = _text_encoder(weights, name, family, layout[name], device, dtype)
    parts["tokenizer"] = tokenizer_for(file, "tokenizer", pads_with_end=not family.startswith("sd2"))
    if "text_encoder_2" in parts:
        parts["tokenizer_2"] = tokenizer_for(file, "tokenizer_2", pads_with_end=False)
    return parts


def autoencoder(
    weights: FileWeights,
    kind: Any,
    configuration: Mapping[str, Any],
    prefix: str,
    device: str,
    dtype: torch.dtype,
) -> Any:
    """An autoencoder in the original layout, its names below `prefix`."""
    levels = len(configuration["block_out_channels"])
    find = spelled(weights, lambda module: prefix + original_vae_name(module, levels))
    vae = filled(weights.file, without_memory(kind, configuration), find, device, dtype)
    weights.require_all_taken(*(prefix + half for half in _HALVES))
    return vae


def without_memory(kind: Any, configuration: Mapping[str, Any]) -> Any:
    """A module of diffusers whose weights are still to come."""
    with torch.device("meta"):
        return kind.from_config(dict(configuration))


def _text_encoder(
    weights: FileWeights,
    part: str,
    family: Family,
    configuration: Mapping[str, Any],
    device: str,
    dtype: torch.dtype,
) -> Any:
    second = part == "text_encoder_2"
    kind = transformers.CLIPTextModelWithProjection if second else transformers.CLIPTextModel
    with torch.device("meta"):
        empty = kind(transformers.CLIPTextConfig(**configuration))
    if second or family.startswith("sd2"):
        root = "conditioner.embedders.1.model." if second else "cond_stage_model.model."
        return filled(weights.file, empty, lambda name: of_open_clip(weights, root, name), device, dtype)
    root = "conditioner.embedders.0." if family == "sdxl" else "cond_stage_model."
    find = spelled(weights, lambda name: f"{root}transformer.text_model.{name.removeprefix('text_model.')}")
    return filled(weights.file, empty, find, device, dtype)
