"""Checkpoints in one file paint what their folders paint; names and shapes tell what they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.loaders import single_file_utils
from original_layout import vae_tensors, write_checkpoint, write_control
from safetensors.torch import load_file, save_file
from tiny_sd import save_control, save_model

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.inputs.request import GenerationRequest
from depthpaint.models.runtime import Runtime
from depthpaint.models.stable_diffusion import layouts
from depthpaint.models.stable_diffusion.file_family import family_of
from depthpaint.record.result import GenerationResult

pytestmark = pytest.mark.filterwarnings("ignore")
FAMILIES = ("sd15", "sd21", "sd2-depth", "sdxl")


@pytest.fixture(scope="module", params=FAMILIES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A folder with the model, its control network, and both as single files."""
    family, root = request.param, tmp_path_factory.mktemp(request.param)
    model = save_model(root / "model", family)
    write_checkpoint(model, root / "whole.safetensors", family)
    for name in ("tokenizer", "tokenizer_2"):
        if (model / name).exists():
            shutil.copytree(model / name, root / name)
    unet = json.loads((model / "unet" / "config.json").read_text())
    if family != "sd2-depth":
        write_control(save_control(root / "control", model), unet, root / "control.safetensors")
    np.save(root / "depth.npy", np.linspace(0, 1, 96 * 96, dtype=np.float32).reshape(96, 96))
    return family, root


def tiny_layout(family: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the family's configurations be the tiny ones."""
    parts = {
        part: json.loads((root / "model" / part / file).read_text())
        for part in ("unet", "vae", "text_encoder", "text_encoder_2", "scheduler")
        for file in ("config.json", "scheduler_config.json")
        if (root / "model" / part / file).exists()
    }
    monkeypatch.setitem(layouts.LAYOUTS, family, parts)


def paint(root: Path, model: Path, control: Path | None, **more: Any) -> GenerationResult:
    request = GenerationRequest(
        depth=root / "depth.npy", near="white", kind="disparity", prompt="a red house", size=(96, 96),
        num_inference_steps=2, model=str(model), control=None if control is None else str(control), **more,
    )  # fmt: skip
    return Engine(runtime=Runtime("cpu")).paint(request)


def test_a_file_paints_what_its_folder_paints(
    case: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    family, root = case
    tiny_layout(family, root, monkeypatch)
    assert family_of(root / "whole.safetensors") == family
    control = None if family == "sd2-depth" else root / "control"
    folder = paint(root, root / "model", control).pictures[0].pixels
    single = None if control is None else root / "control.safetensors"
    result = paint(root, root / "whole.safetensors", single)
    assert np.abs(result.pictures[0].pixels.astype(int) - folder).max() <= 1
    tensors = load_file(root / "whole.safetensors")
    tensors["model.diffusion_model.out.2.weight"] *= 1.5
    for name in ("tokenizer", "tokenizer_2"):
        if (root / name).exists():
            shutil.copytree(root / name, tmp_path / name)
    save_file(tensors, tmp_path / "spoiled.safetensors")
    spoiled = paint(root, tmp_path / "spoiled.safetensors", single)
    assert np.abs(spoiled.pictures[0].pixels.astype(int) - folder).max() > 3
    assert spoiled.weights_sha256 != result.weights_sha256


def test_the_names_are_those_that_diffusers_reads(case: tuple[str, Path]) -> None:
    """The file was written by our own names; diffusers' converter takes them for the original ones, too."""
    _, root = case
    checkpoint = load_file(root / "whole.safetensors")
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(root / "model" / "unet")
    converted = single_file_utils.convert_ldm_unet_checkpoint(dict(checkpoint), dict(unet.config))
    assert converted.keys() == unet.state_dict().keys()
    assert all(torch.equal(converted[name], tensor) for name, tensor in unet.state_dict().items())
    vae: Any = diffusers.AutoencoderKL.from_pretrained(root / "model" / "vae")
    converted = single_file_utils.convert_ldm_vae_checkpoint(dict(checkpoint), dict(vae.config))
    assert converted.keys() == vae.state_dict().keys()
    assert all(torch.equal(converted[n].flatten(), t.flatten()) for n, t in vae.state_dict().items())


@pytest.fixture(scope="module")
def sd15(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sd15")
    model = save_model(root / "model", "sd15")
    write_checkpoint(model, root / "whole.safetensors", "sd15")
    shutil.copytree(model / "tokenizer", root / "tokenizer")
    save_control(root / "control", model)
    np.save(root / "depth.npy", np.linspace(0, 1, 96 * 96, dtype=np.float32).reshape(96, 96))
    return root


@pytest.mark.parametrize("own", [True, False])
def test_an_autoencoder_of_its_own(
    sd15: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: bool
) -> None:
    tiny_layout("sd15", sd15, monkeypatch)
    whole, file = sd15 / "whole.safetensors", tmp_path / "vae.safetensors"
    diffusers_own = load_file(sd15 / "model" / "vae" / "diffusion_pytorch_model.safetensors")
    tensors = diffusers_own if own else vae_tensors(sd15 / "model")
    save_file({name: tensor.contiguous() * 1.5 for name, tensor in tensors.items()}, file)
    plain = paint(sd15, whole, sd15 / "control")
    other = paint(sd15, whole, sd15 / "control", vae=str(file))
    assert not np.array_equal(plain.pictures[0].pixels, other.pictures[0].pixels)
    assert plain.weights_sha256 != other.weights_sha256


def test_a_file_that_lacks_weights_is_refused(
    sd15: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tiny_layout("sd15", sd15, monkeypatch)
    tensors = load_file(sd15 / "whole.safetensors")
    del tensors["model.diffusion_model.out.2.weight"]
    save_file(tensors, tmp_path / "partial.safetensors")
    with pytest.raises(ModelError, match="conv_out") as refused:
        paint(sd15, tmp_path / "partial.safetensors", sd15 / "control")
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"double_blocks.0.img_attn.qkv.weight": (2, 2)}, "Flux"),
        ({"model.diffusion_model.joint_blocks.0.x": (2, 2)}, "Stable Diffusion 3"),
        ({"lora_unet_down.lora_up.weight": (2, 2)}, "LoRA"),
        ({"first_stage_model.decoder.conv_in.weight": (2, 2)}, "autoencoder"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (2, 9, 3, 3)}, "9 channels"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (2, 4, 3, 3)}, "no text encoder"),
        (
            {"model.diffusion_model.input_blocks.0.0.weight": (2, 4, 3, 3),
             "conditioner.embedders.0.model.ln_final.bias": (2,)}, "refiner",
        ),
    ],
)  # fmt: skip
def test_other_files_are_named_for_what_they_are(
    tmp_path: Path, names: dict[str, tuple[int, ...]], words: str
) -> None:
    save_file({name: torch.zeros(shape) for name, shape in names.items()}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=words):
        family_of(tmp_path / "other.safetensors")


@pytest.mark.parametrize("keep", [0, 7, 8, 200, -1])
def test_a_cut_file_is_refused(sd15: Path, tmp_path: Path, keep: int) -> None:
    (tmp_path / "cut.safetensors").write_bytes((sd15 / "whole.safetensors").read_bytes()[:keep])
    with pytest.raises(ModelError) as refused:
        family_of(tmp_path / "cut.safetensors")
    assert refused.value.code is ErrorCode.MODEL_TRUNCATED


@pytest.mark.parametrize(
    ("family", "part", "parameters"),
    [
        ("sd15", "unet", 859_520_964), ("sd21", "unet", 865_910_724), ("sdxl", "unet", 2_567_463_684),
        ("sd15", "vae", 83_653_863), ("sd15", "text_encoder", 123_060_480),
        ("sdxl", "text_encoder_2", 694_659_840),
    ],
)  # fmt: skip
def test_the_layouts_are_of_the_published_sizes(family: Any, part: str, parameters: int) -> None:
    from full_size import CLASSES
    from transformers import CLIPTextConfig

    configuration = layouts.LAYOUTS[family][part]
    with torch.device("meta"):
        kind = CLASSES[part]
        text = part.startswith("text")
        made = kind(CLIPTextConfig(**configuration)) if text else kind.from_config(configuration)
    assert sum(parameter.numel() for parameter in made.parameters()) == parameters
