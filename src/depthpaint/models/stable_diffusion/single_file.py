"""Single-file checkpoints, control networks and autoencoders, loaded into diffusers' modules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors import safe_open
from torch import Tensor

from depthpaint.models.folder_json import incompatible
from depthpaint.models.stable_diffusion.file_family import LAYOUTS, UNET, Family, kind_of
from depthpaint.models.stable_diffusion.original_names import (
    FileWeights,
    filled,
    original_control_name,
    original_name,
    original_vae_name,
    spelled,
)
from depthpaint.models.stable_diffusion.text import tokenizer_for
from depthpaint.models.weights import require_whole

_ENDS = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
}  # fmt: skip
_LAYER = {
    "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}  # fmt: skip
_PROJECTIONS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")


def of_open_clip(weights: FileWeights, root: str, name: str) -> Tensor:
    """The parameter that transformers calls `name`; OpenCLIP stores attention's three projections as one."""
    name = name.removeprefix("text_model.")
    if name == "text_projection.weight":
        return weights.take(f"{root}text_projection").T.contiguous()
    if name in _ENDS:
        return weights.take(root + _ENDS[name])
    layer = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
    if layer is None:
        return weights.take(root + name.replace("final_layer_norm", "ln_final"))
    number, inner, leaf = layer.groups()
    place = f"{root}transformer.resblocks.{number}."
    if inner in _LAYER:
        return weights.take(f"{place}{_LAYER[inner]}.{leaf}")
    three = weights.take(f"{place}attn.in_proj_{leaf}").chunk(3)
    return three[_PROJECTIONS.index(inner)].clone()


VAE = "first_stage_model."
_HALVES = ("encoder.", "decoder.")


def parts_of(file: Path, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """The parts needed for painting, by diffusers' names.

    Raises ModelError: model_incompatible if a weight is missing or unexpected, model_truncated, and
    model_not_found if no tokenizer is found.
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
    """A module of diffusers without its weights."""
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


_PREFIX = "control_model."
_HINT, _OWN_HINT = "input_hint_block.{}.weight", "controlnet_cond_embedding.{}.weight"
_UNION = "a union control network, which is supported only as a folder in diffusers' layout"
_OTHERS = {
    "lora_controlnet": "a control LoRA, which is not supported", "difference": "a difference of weights",
    "task_embedding": _UNION,
    "control_add_embedding.linear_1.weight": _UNION,
    "adapter.conv_in.weight": "a T2I-Adapter, which is supported only as a folder in diffusers' layout",
    "body.0.block1.weight": "a T2I-Adapter, which is supported only as a folder in diffusers' layout",
    "model.diffusion_model.out.2.weight": "a whole checkpoint",
}  # fmt: skip


def control_of(file: Path, unet: Any, device: str, dtype: torch.dtype) -> Any:
    """A ControlNet for `unet`. Raises ModelError if it is not one, or of another family."""
    require_whole(file)
    with safe_open(file, framework="pt") as stream:
        weights = FileWeights(file, stream)
        own = _OWN_HINT.format("conv_in") in weights.names
        prefix = _PREFIX if _PREFIX + _HINT.format(0) in weights.names else ""
        hint = _OWN_HINT if own else prefix + _HINT
        # A whole checkpoint may contain the network as well, below its prefix.
        other = "" if prefix else _other(weights)
        if other or hint.format("conv_in" if own else 0) not in weights.names:
            raise incompatible(file, f"it is {other or 'not a ControlNet in a known layout'}")
        _require_family(weights, unet)
        places = ("conv_in", "blocks.1", "blocks.3", "blocks.5") if own else (0, 4, 8, 12)
        channels = tuple(_width(weights, hint.format(place)) for place in places)
        with torch.device("meta"):
            empty = diffusers.ControlNetModel.from_unet(
                unet, load_weights_from_unet=False, conditioning_embedding_out_channels=channels
            )
        find = spelled(weights, lambda module: prefix + original_control_name(module, unet.config))
        network = filled(file, empty, weights.take if own else find, device, dtype)
        weights.require_all_taken(prefix)
        return network


def vae_of(file: Path, usual: Any, device: str, dtype: torch.dtype) -> Any:
    """An autoencoder with the configuration of `usual`. Raises ModelError if it is not one."""
    require_whole(file)
    with safe_open(file, framework="pt") as stream:
        weights = FileWeights(file, stream)
        if "decoder.mid_block.resnets.0.conv1.weight" in weights.names:
            vae = filled(file, without_memory(type(usual), usual.config), weights.take, device, dtype)
            weights.require_all_taken("")
            return vae
        prefix = VAE if any(name.startswith(VAE) for name in weights.names) else ""
        return autoencoder(weights, type(usual), usual.config, prefix, device, dtype)


def _other(weights: FileWeights) -> str:
    return next((kind for sign, kind in _OTHERS.items() if sign in weights.names), "")


def _width(weights: FileWeights, name: str) -> int:
    if name not in weights.names:
        raise incompatible(weights.file, f"its {name} is missing")
    return weights.shape(name)[0]


def _require_family(weights: FileWeights, unet: Any) -> None:
    ends = "attn2.to_k.weight"
    layer = next((name for name in sorted(weights.names) if name.endswith(ends)), None)
    mine = unet.config.cross_attention_dim
    its = mine if layer is None else weights.shape(layer)[1]
    if its != mine:
        why = f"its text embeddings have width {its}, the model's {mine}: another family"
        raise incompatible(weights.file, why)
