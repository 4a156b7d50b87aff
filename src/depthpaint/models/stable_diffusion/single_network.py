"""A control network or an autoencoder in one file, in the original layout or in diffusers'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch
from safetensors import safe_open

from depthpaint.models.folder_json import incompatible
from depthpaint.models.stable_diffusion.file_weights import FileWeights, filled, spelled
from depthpaint.models.stable_diffusion.original_names import original_control_name
from depthpaint.models.stable_diffusion.single_file import VAE, autoencoder, without_memory
from depthpaint.models.weights import require_whole

_PREFIX = "control_model."
_HINT, _OWN_HINT = "input_hint_block.{}.weight", "controlnet_cond_embedding.{}.weight"
_UNION = "a union of control networks, which is read from a folder in diffusers' layout only"
_OTHERS = {
    "lora_controlnet": "a control LoRA, which is not read", "difference": "a difference of weights",
    "task_embedding": _UNION,
    "control_add_embedding.linear_1.weight": _UNION,
    "adapter.conv_in.weight": "a T2I-Adapter, which is read from a folder in diffusers' layout only",
    "body.0.block1.weight": "a T2I-Adapter, which is read from a folder in diffusers' layout only",
    "model.diffusion_model.out.2.weight": "a whole checkpoint",
}  # fmt: skip


def control_of(file: Path, unet: Any, device: str, dtype: torch.dtype) -> Any:
    """A ControlNet for `unet`. Raises ModelError where it is none, or none of the UNet's family."""
    require_whole(file)
    with safe_open(file, framework="pt") as stream:
        weights = FileWeights(file, stream)
        own = _OWN_HINT.format("conv_in") in weights.names
        prefix = _PREFIX if _PREFIX + _HINT.format(0) in weights.names else ""
        hint = _OWN_HINT if own else prefix + _HINT
        # A whole checkpoint may hold the network as well, below its prefix.
        other = "" if prefix else _other(weights)
        if other or hint.format("conv_in" if own else 0) not in weights.names:
            raise incompatible(file, f"it is {other or 'no ControlNet in a layout that is known'}")
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
    """An autoencoder of the configuration of `usual`. Raises ModelError where it is none."""
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
    return next((told for sign, told in _OTHERS.items() if sign in weights.names), "")


def _width(weights: FileWeights, name: str) -> int:
    if name not in weights.names:
        raise incompatible(weights.file, f"its {name} is missing")
    return weights.shape(name)[0]


def _require_family(weights: FileWeights, unet: Any) -> None:
    ends = "attn2.to_k.weight"
    hears = next((name for name in sorted(weights.names) if name.endswith(ends)), None)
    mine = unet.config.cross_attention_dim
    its = mine if hears is None else weights.shape(hears)[1]
    if its != mine:
        why = f"it hears sentences of {its} numbers a word, the model of {mine}: another family"
        raise incompatible(weights.file, why)
