"""A checkpoint in one file, as the web UIs have it: its parts in diffusers' modules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors import safe_open
from torch import Tensor, nn

from depthpaint.models.folder_json import incompatible
from depthpaint.models.stable_diffusion.file_family import UNET, family_of
from depthpaint.models.stable_diffusion.layouts import LAYOUTS
from depthpaint.models.stable_diffusion.original_names import (
    original_control_name,
    original_name,
    original_vae_name,
)
from depthpaint.models.stable_diffusion.tokenizers import tokenizer_for
from depthpaint.models.weights import require_whole

VAE = "first_stage_model."
_TEXT = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
}  # fmt: skip
_LAYER = {
    "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}  # fmt: skip

Find = Callable[[str, Tensor], Tensor]


def parts_of(file: Path, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """The parts that painting needs, by diffusers' names. Raises ModelError where one is not whole."""
    family = family_of(file)
    layout = LAYOUTS[family]
    classes = {
        "unet": diffusers.UNet2DConditionModel, "vae": diffusers.AutoencoderKL,
        "text_encoder": transformers.CLIPTextModel,
        "text_encoder_2": transformers.CLIPTextModelWithProjection,
    }  # fmt: skip
    parts: dict[str, Any] = {}
    with safe_open(file, framework="pt") as stream:
        for part, configuration in layout.items():
            if part == "scheduler":
                continue
            empty = _empty(classes[part], configuration)
            find = _finder(part, family, configuration, stream)
            parts[part] = _filled(file, empty, find, device, dtype)
    parts["tokenizer"] = tokenizer_for(file, "tokenizer", pads_with_end=family == "sd15" or family == "sdxl")
    if "text_encoder_2" in parts:
        parts["tokenizer_2"] = tokenizer_for(file, "tokenizer_2", pads_with_end=False)
    return parts


def control_of(file: Path, unet: Any, device: str, dtype: torch.dtype) -> Any:
    """A ControlNet for `unet` from one file in the original layout, or diffusers'."""
    require_whole(file)
    with safe_open(file, framework="pt") as stream:
        names = set(stream.keys())
        own = "controlnet_cond_embedding.conv_in.weight" in names
        prefix = "control_model." if "control_model.input_hint_block.0.weight" in names else ""
        hint = "controlnet_cond_embedding.{}.weight" if own else prefix + "input_hint_block.{}.weight"
        places = ["conv_in", "blocks.1", "blocks.3", "blocks.5"] if own else ["0", "4", "8", "12"]
        if hint.format(places[0]) not in names:
            raise incompatible(file, "it is no ControlNet in a layout that is known")
        _require_family(file, stream, unet)
        channels = tuple(int(stream.get_slice(hint.format(place)).get_shape()[0]) for place in places)
        with torch.device("meta"):
            empty = diffusers.ControlNetModel.from_unet(
                unet, load_weights_from_unet=False, conditioning_embedding_out_channels=channels
            )

        def find(name: str, like: Tensor) -> Tensor:
            module, _, leaf = name.rpartition(".")
            spelled = name if own else f"{prefix}{original_control_name(module, unet.config)}.{leaf}"
            return stream.get_tensor(spelled).reshape(like.shape)

        return _filled(file, empty, find, device, dtype)


def vae_of(file: Path, usual: Any, device: str, dtype: torch.dtype) -> Any:
    """An autoencoder of the configuration of `usual` from one file in either layout."""
    require_whole(file)
    with safe_open(file, framework="pt") as stream:
        names = set(stream.keys())
        own = "decoder.mid_block.resnets.0.conv1.weight" in names
        original = _finder("vae", "", dict(usual.config), stream)

        def find(name: str, like: Tensor) -> Tensor:
            return stream.get_tensor(name).reshape(like.shape) if own else original(name, like)

        return _filled(file, _empty(type(usual), usual.config), find, device, dtype)


def _require_family(file: Path, stream: Any, unet: Any) -> None:
    wide = next((name for name in stream.keys() if name.endswith("attn2.to_k.weight")), None)
    its = unet.config.cross_attention_dim if wide is None else int(stream.get_slice(wide).get_shape()[1])
    if its != unet.config.cross_attention_dim:
        mine = unet.config.cross_attention_dim
        raise incompatible(
            file, f"it hears sentences of {its} numbers a word, the model of {mine}: another family"
        )


def _empty(kind: Any, configuration: Mapping[str, Any]) -> Any:
    with torch.device("meta"):
        if hasattr(kind, "from_config"):
            return kind.from_config(dict(configuration))
        return kind(transformers.CLIPTextConfig(**configuration))


def _finder(part: str, family: str, configuration: Mapping[str, Any], stream: Any) -> Find:
    if part == "unet":

        def spell(module: str) -> str:
            return UNET + original_name(module, configuration)
    elif part == "vae":
        levels = len(configuration["block_out_channels"])
        within = VAE if any(name.startswith(VAE) for name in stream.keys()) else ""

        def spell(module: str) -> str:
            return within + original_vae_name(module, levels)
    elif part == "text_encoder_2" or family.startswith("sd2"):
        root = "conditioner.embedders.1.model." if part == "text_encoder_2" else "cond_stage_model.model."
        return lambda name, like: _of_open_clip(stream, root, name.removeprefix("text_model."), like)
    else:
        root = "conditioner.embedders.0." if family == "sdxl" else "cond_stage_model."

        def spell(module: str) -> str:
            return f"{root}transformer.text_model.{module.removeprefix('text_model.')}"

    def find(name: str, like: Tensor) -> Tensor:
        module, _, leaf = name.rpartition(".")
        # Attention's projections are convolutions of one pixel in some files.
        return stream.get_tensor(f"{spell(module)}.{leaf}").reshape(like.shape)

    return find


def _of_open_clip(stream: Any, root: str, name: str, like: Tensor) -> Tensor:
    if name == "text_projection.weight":
        return stream.get_tensor(f"{root}text_projection").T.contiguous()
    if name in _TEXT:
        return stream.get_tensor(root + _TEXT[name])
    layer = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
    if layer is None:
        return stream.get_tensor(root + name.replace("final_layer_norm", "ln_final"))
    number, inner, leaf = layer.groups()
    place = f"{root}transformer.resblocks.{number}."
    if inner in _LAYER:
        return stream.get_tensor(f"{place}{_LAYER[inner]}.{leaf}")
    third = ("q_proj", "k_proj", "v_proj").index(inner.removeprefix("self_attn."))
    return stream.get_tensor(f"{place}attn.in_proj_{leaf}").chunk(3)[third].reshape(like.shape).clone()


def _filled(file: Path, empty: nn.Module, find: Find, device: str, dtype: torch.dtype) -> Any:
    """The module with every weight from the file; none is ever left to chance."""
    state: dict[str, Tensor] = {}
    for name, like in empty.state_dict().items():
        try:
            state[name] = find(name, like).to(dtype)
        # safetensors' error for a missing name, and torch's for a shape that does not fit.
        except Exception as error:
            raise incompatible(file, f"{name} is missing, or of another size") from error
    empty.load_state_dict(state, assign=True)
    for name, buffer in empty.named_buffers():
        if buffer.is_meta and name.endswith("position_ids"):
            owner = empty.get_submodule(name.rpartition(".")[0])
            owner.position_ids = torch.arange(buffer.shape[-1])[None]
    return empty.to(device).eval().requires_grad_(requires_grad=False)
