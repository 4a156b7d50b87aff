"""The original layout's names: diffusers' own converters, which we do not use, take them for the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
import transformers
from diffusers.loaders import single_file_utils
from original_layout import write_checkpoint, write_control
from safetensors.torch import load_file
from tiny_sd import save_control, save_model
from torch import Tensor

from depthpaint.models.stable_diffusion.file_family import LAYOUTS
from depthpaint.models.stable_diffusion.original_names import (
    original_control_name,
    original_name,
    original_vae_name,
)

pytestmark = pytest.mark.filterwarnings("ignore")
Spell = Any
PUBLISHED = {
    "input_blocks.9.0.op", "output_blocks.2.0.skip_connection", "output_blocks.2.1.conv",
    "output_blocks.4.1.transformer_blocks.0.ff.net.0.proj", "output_blocks.5.2.conv",
    "output_blocks.11.1.proj_out",
}  # fmt: skip
"""Some names of SD 1's checkpoint as several other programs list them."""


def spelled(state: dict[str, Tensor], spell: Spell, prefix: str = "") -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        module, _, leaf = name.rpartition(".")
        found[f"{prefix}{spell(module)}.{leaf}"] = tensor
    assert len(found) == len(state), "two have one name"
    return found


def built(kind: Any, configuration: Any) -> Any:
    with torch.device("meta"):
        return kind.from_config(configuration)


def require_same(converted: dict[str, Tensor], state: dict[str, Tensor]) -> None:
    """The very tensors, under the very names."""
    assert converted.keys() == state.keys()
    assert all(converted[name] is tensor for name, tensor in state.items())


@pytest.mark.parametrize("family", LAYOUTS)
def test_the_unet_at_its_published_size(family: Any) -> None:
    unet = built(diffusers.UNet2DConditionModel, LAYOUTS[family]["unet"])
    state = unet.state_dict()
    checkpoint = spelled(state, lambda n: original_name(n, unet.config), "model.diffusion_model.")
    require_same(single_file_utils.convert_ldm_unet_checkpoint(checkpoint, dict(unet.config)), state)
    if family == "sd15":
        names = {name.removeprefix("model.diffusion_model.").rpartition(".")[0] for name in checkpoint}
        assert names >= PUBLISHED


@pytest.mark.parametrize("family", ["sd15", "sd21", "sdxl"])
def test_the_control_network_at_its_published_size(family: Any) -> None:
    unet = built(diffusers.UNet2DConditionModel, LAYOUTS[family]["unet"])
    with torch.device("meta"):
        network: Any = diffusers.ControlNetModel.from_unet(unet, load_weights_from_unet=False)
    state = network.state_dict()
    # Its converter leaves out how SDXL's network is told sizes.
    state = {name: tensor for name, tensor in state.items() if not name.startswith("add_embedding")}
    checkpoint = spelled(state, lambda n: original_control_name(n, unet.config), "control_model.")
    converted = single_file_utils.convert_controlnet_checkpoint(checkpoint, dict(unet.config))
    require_same(converted, state)


def test_the_autoencoder_at_its_published_size() -> None:
    vae = built(diffusers.AutoencoderKL, LAYOUTS["sd15"]["vae"])
    state = vae.state_dict()
    checkpoint = spelled(state, lambda n: original_vae_name(n, 4), "first_stage_model.")
    converted = single_file_utils.convert_ldm_vae_checkpoint(checkpoint, dict(vae.config))
    assert converted.keys() == state.keys()
    assert all(converted[name].shape[:2] == tensor.shape[:2] for name, tensor in state.items())


@pytest.mark.parametrize(
    ("family", "part", "prefix"),
    [
        ("sd15", "text_encoder", ""), ("sd21", "text_encoder", "cond_stage_model.model."),
        ("sdxl", "text_encoder", ""), ("sdxl", "text_encoder_2", "conditioner.embedders.1.model."),
    ],
)  # fmt: skip
def test_the_text_encoders(family: str, part: str, prefix: str, tmp_path: Path) -> None:
    """OpenCLIP's has names and an order of its own; CLIP's are the library's below a prefix."""
    model = save_model(tmp_path / "model", family)
    checkpoint = load_file(write_checkpoint(model, tmp_path / "whole.safetensors", family))
    second = part.endswith("_2")
    kind = transformers.CLIPTextModelWithProjection if second else transformers.CLIPTextModel
    encoder: Any = kind.from_pretrained(str(model / part))
    if prefix:
        converted = single_file_utils.convert_open_clip_checkpoint(encoder, checkpoint, prefix)
    else:
        converted = single_file_utils.convert_ldm_clip_checkpoint(checkpoint)
    state = {name.removeprefix("text_model."): tensor for name, tensor in encoder.state_dict().items()}
    found = {name.removeprefix("text_model."): tensor for name, tensor in converted.items()}
    assert found.keys() >= state.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


def test_the_control_network_that_tests_write(tmp_path: Path) -> None:
    model = save_model(tmp_path / "model", "sd15")
    control = save_control(tmp_path / "control", model)
    unet = json.loads((model / "unet" / "config.json").read_text())
    original = load_file(write_control(control, unet, tmp_path / "control.safetensors"))
    converted = single_file_utils.convert_controlnet_checkpoint(original, unet)
    state = load_file(control / "diffusion_pytorch_model.safetensors")
    assert converted.keys() == state.keys()
    assert all(torch.equal(converted[name], tensor) for name, tensor in state.items())
