"""Control networks and autoencoders in one file, in either layout; what they are not is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from original_layout import vae_tensors, write_control
from safetensors.torch import load_file, save_file
from tiny_sd import save_control, save_model

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.stable_diffusion.folder import load_modules
from depthpaint.models.stable_diffusion.folder_parts import ModelPaths
from depthpaint.models.stable_diffusion.single_file import control_of, vae_of

pytestmark = pytest.mark.filterwarnings("ignore")
WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module", params=["sd15", "sd21", "sdxl"])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    save_control(folder / "control", save_model(folder / "model", request.param))
    return folder


@pytest.fixture(scope="module")
def sd15(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sd15")
    save_control(folder / "control", save_model(folder / "model", "sd15"))
    return folder


def unet_of(root: Path) -> Any:
    return diffusers.UNet2DConditionModel.from_pretrained(root / "model" / "unet")


def loaded(file: Path, unet: Any) -> Any:
    return control_of(file, unet, "cpu", torch.float32)


@pytest.mark.parametrize("prefix", ["control_model.", "", "own"])
def test_a_control_network_is_the_one_of_its_folder(root: Path, tmp_path: Path, prefix: str) -> None:
    file, own = tmp_path / "control.safetensors", root / "control" / WEIGHTS
    if prefix == "own":
        file = own
    else:
        configuration = json.loads((root / "model" / "unet" / "config.json").read_text())
        write_control(root / "control", configuration, file, prefix)
    expected: Any = diffusers.ControlNetModel.from_pretrained(root / "control")
    unet = unet_of(root)
    network, state = loaded(file, unet), expected.state_dict()
    assert network.state_dict().keys() == state.keys()
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    assert not network.training
    width, xl = unet.config.cross_attention_dim, unet.config.addition_embed_type == "text_time"
    generator = torch.Generator().manual_seed(2)
    given: dict[str, Any] = {
        "sample": torch.randn((1, 4, 12, 12), generator=generator), "timestep": torch.tensor(500),
        "encoder_hidden_states": torch.randn((1, 7, width), generator=generator),
        "controlnet_cond": torch.rand((1, 3, 96, 96), generator=generator), "return_dict": False,
        "added_cond_kwargs": {"text_embeds": torch.ones(1, 32), "time_ids": torch.ones(1, 6)} if xl else None,
    }  # fmt: skip
    with torch.inference_mode():
        mine, its = network(**given), expected(**given)
    # The same weights elsewhere in memory are multiplied in another order: 4e-7 was measured.
    assert (mine[1] - its[1]).abs().max() <= 1e-5 * its[1].abs().max()
    assert its[1].abs().max() > 0


@pytest.mark.parametrize(
    ("more", "less", "words"),
    [
        ({"task_embedding": (2, 2)}, "", "union"),
        ({"another.weight": (2, 2)}, "", "has no tensor another"),
        ({"adapter.conv_in.weight": (2, 2)}, "control", "T2I-Adapter"),
        ({"lora_controlnet": (0,), "input_hint_block.0.weight": (2, 3, 3, 3)}, "control", "control LoRA"),
        ({"anything": (2, 2)}, "control", "not a ControlNet"),
        ({"input_hint_block.0.weight": (2, 3, 3, 3)}, "control", r"input_hint_block\.4\.weight is missing"),
        ({}, "controlnet_mid_block.bias", "controlnet_mid_block.bias is missing"),
        ({"controlnet_mid_block.bias": (9,)}, "", "is 9 and should be 64"),
    ],
)
def test_other_networks_are_refused(
    sd15: Path, tmp_path: Path, more: dict[str, tuple[int, ...]], less: str, words: str
) -> None:
    tensors = load_file(sd15 / "control" / WEIGHTS)
    kept = {} if less == "control" else {n: tensor for n, tensor in tensors.items() if n != less}
    save_file(kept | {name: torch.zeros(shape) for name, shape in more.items()}, tmp_path / "a.safetensors")
    with pytest.raises(ModelError, match=words) as refused:
        loaded(tmp_path / "a.safetensors", unet_of(sd15))
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE
    assert "\n" not in str(refused.value)


def test_a_network_of_another_family_is_refused(sd15: Path, tmp_path: Path) -> None:
    other = save_control(tmp_path / "control", save_model(tmp_path / "model", "sdxl"))
    with pytest.raises(ModelError, match="have width 64, the model's 32"):
        loaded(other / WEIGHTS, unet_of(sd15))


@pytest.mark.parametrize("layout", ["original", "original, prefixed", "own"])
def test_an_autoencoder_is_the_one_of_its_folder(sd15: Path, tmp_path: Path, layout: str) -> None:
    usual: Any = diffusers.AutoencoderKL.from_pretrained(sd15 / "model" / "vae")
    changed = {name: 1.5 * tensor for name, tensor in usual.state_dict().items()}
    tensors = vae_tensors(sd15 / "model") if layout.startswith("original") else usual.state_dict()
    prefix = "first_stage_model." if "prefixed" in layout else ""
    scaled = {prefix + name: (1.5 * tensor).contiguous() for name, tensor in tensors.items()}
    # What was only for training is left out.
    scaled |= {} if layout == "own" else {f"{prefix}loss.logvar": torch.zeros(1)}
    save_file(scaled, tmp_path / "vae.safetensors")
    state = vae_of(tmp_path / "vae.safetensors", usual, "cpu", torch.float32).state_dict()
    assert state.keys() == changed.keys()
    assert all(torch.equal(tensor, changed[name]) for name, tensor in state.items())


def test_an_autoencoder_of_other_channels_is_refused(sd15: Path, tmp_path: Path) -> None:
    usual: Any = diffusers.AutoencoderKL.from_pretrained(sd15 / "model" / "vae")
    tensors = usual.state_dict() | {"decoder.conv_in.weight": torch.zeros(16, 16, 3, 3)}
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, tmp_path / "vae.safetensors")
    with pytest.raises(ModelError, match="16x16x3x3 and should be 16x4x3x3"):
        vae_of(tmp_path / "vae.safetensors", usual, "cpu", torch.float32)


def test_files_are_taken_where_folders_are(sd15: Path, tmp_path: Path) -> None:
    """And tell apart in the digest."""
    usual = {name: tensor.contiguous() for name, tensor in vae_tensors(sd15 / "model").items()}
    save_file(usual, tmp_path / "vae.safetensors")
    save_file({name: 1.5 * tensor for name, tensor in usual.items()}, tmp_path / "other.safetensors")
    control = {"depth": sd15 / "control" / WEIGHTS}

    def digest(vae: Path | None) -> str:
        found = ModelPaths(sd15 / "model", control, vae)
        return load_modules(found, device="cpu", dtype=torch.float32).weights_sha256

    places = (None, tmp_path / "vae.safetensors", tmp_path / "other.safetensors")
    assert len({digest(place) for place in places}) == 3
