"""A model in diffusers' layout written back as one checkpoint in the original layout."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor

from depthpaint.models.stable_diffusion.original_names import (
    original_control_name,
    original_name,
    original_vae_name,
)

_CLIP = {
    "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}  # fmt: skip


def write_checkpoint(model: Path, file: Path, family: str) -> Path:
    """The whole model as the web UIs have it."""
    tensors: dict[str, Tensor] = {}
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(model / "unet")
    for name, tensor in unet.state_dict().items():
        module, _, leaf = name.rpartition(".")
        tensors[f"model.diffusion_model.{original_name(module, unet.config)}.{leaf}"] = tensor
    tensors |= {f"first_stage_model.{name}": tensor for name, tensor in vae_tensors(model).items()}
    first: Any = transformers.CLIPTextModel.from_pretrained(str(model / "text_encoder"))
    if family.startswith("sd2"):
        tensors |= _open_clip(first, "cond_stage_model.model.")
    else:
        root = "conditioner.embedders.0." if family == "sdxl" else "cond_stage_model."
        for name, tensor in first.state_dict().items():
            tensors[f"{root}transformer.text_model.{name.removeprefix('text_model.')}"] = tensor
    if family == "sdxl":
        second: Any = transformers.CLIPTextModelWithProjection.from_pretrained(str(model / "text_encoder_2"))
        tensors |= _open_clip(second, "conditioner.embedders.1.model.")
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, file)
    return file


def vae_tensors(model: Path) -> dict[str, Tensor]:
    """The autoencoder by its original names, attention as convolutions of one pixel."""
    vae: Any = diffusers.AutoencoderKL.from_pretrained(model / "vae")
    levels = len(vae.config.block_out_channels)
    found: dict[str, Tensor] = {}
    for name, tensor in vae.state_dict().items():
        module, _, leaf = name.rpartition(".")
        is_projection = ".attentions." in name and leaf == "weight" and tensor.ndim == 2
        spelled = f"{original_vae_name(module, levels)}.{leaf}"
        found[spelled] = tensor[..., None, None] if is_projection else tensor
    return found


def write_control(control: Path, unet_config: Any, file: Path, prefix: str = "control_model.") -> Path:
    """A ControlNet as it was first published."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in load_file(control / "diffusion_pytorch_model.safetensors").items():
        module, _, leaf = name.rpartition(".")
        tensors[f"{prefix}{original_control_name(module, unet_config)}.{leaf}"] = tensor
    save_file(tensors, file)
    return file


def _open_clip(encoder: Any, root: str) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    fused: dict[str, dict[str, Tensor]] = {}
    for full, tensor in encoder.state_dict().items():
        name = full.removeprefix("text_model.")
        layer = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if (layer and ".q_proj" in name) or ".k_proj" in name or ".v_proj" in name:
            assert layer
            key = f"{root}transformer.resblocks.{layer[1]}.attn.in_proj_{layer[3]}"
            fused.setdefault(key, {})[layer[2][-6:-5]] = tensor
        elif layer:
            found[f"{root}transformer.resblocks.{layer[1]}.{_CLIP[layer[2]]}.{layer[3]}"] = tensor
        elif name == "text_projection.weight":
            found[f"{root}text_projection"] = tensor.T
        elif name.startswith("embeddings.token"):
            found[f"{root}token_embedding.weight"] = tensor
        elif name.startswith("embeddings.position_embedding"):
            found[f"{root}positional_embedding"] = tensor
        elif name.startswith("final_layer_norm"):
            found[root + name.replace("final_layer_norm", "ln_final")] = tensor
    return found | {key: torch.cat([parts[k] for k in "qkv"]) for key, parts in fused.items()}
