"""Checkpoints in one file paint what their folders paint; names and shapes tell what they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from loopback_hub import empty_cache
from original_layout import write_checkpoint, write_control
from safetensors.torch import load_file, save_file
from tiny_sd import save_control, save_model

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime
from depthpaint.models.stable_diffusion import file_family as layouts
from depthpaint.models.stable_diffusion.file_family import family_of
from depthpaint.models.stable_diffusion.painter import StableDiffusion
from depthpaint.models.stable_diffusion.single_file import parts_of
from depthpaint.models.stable_diffusion.text import tokenizer_for
from depthpaint.record.result import Result
from depthpaint.request import Request

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


def paint(root: Path, model: Path, control: Path | None, **more: Any) -> Result:
    request = Request(
        depth=root / "depth.npy", near="white", kind="disparity", prompt="a red house", size=(96, 96),
        num_inference_steps=2, model=str(model), control=None if control is None else str(control), **more,
    )  # fmt: skip
    return Engine(runtime=Runtime("cpu")).paint(request)


def latents(*arguments: Any) -> tuple[np.ndarray, Result]:
    """What is decoded, and what comes of it."""
    kept: list[np.ndarray] = []
    decode = StableDiffusion.decode

    def keep(self: StableDiffusion, its: Any) -> Any:
        kept.append(its.numpy())
        return decode(self, its)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StableDiffusion, "decode", keep)
        result = paint(*arguments)
    return kept[0][0], result


@pytest.mark.full
def test_a_file_paints_what_its_folder_paints(
    case: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    family, root = case
    tiny_layout(family, root, monkeypatch)
    assert family_of(root / "whole.safetensors") == family
    control = None if family == "sd2-depth" else root / "control"
    single = None if control is None else root / "control.safetensors"
    wanted, of_folder = latents(root, root / "model", control)
    got, of_file = latents(root, root / "whole.safetensors", single)
    assert np.abs(got - wanted).max() <= 1e-5
    pixels = [result.pictures[0].pixels.astype(int) for result in (of_folder, of_file)]
    assert np.abs(pixels[0] - pixels[1]).max() <= 1
    tensors = load_file(root / "whole.safetensors")
    tensors["model.diffusion_model.out.2.weight"] *= 1.5
    for name in ("tokenizer", "tokenizer_2"):
        if (root / name).exists():
            shutil.copytree(root / name, tmp_path / name)
    save_file(tensors, tmp_path / "spoiled.safetensors")
    other, spoiled = latents(root, tmp_path / "spoiled.safetensors", single)
    assert np.abs(other - wanted).max() > 1e-2
    assert spoiled.weights_sha256 != of_file.weights_sha256


@pytest.fixture(scope="module")
def sd15(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sd15")
    model = save_model(root / "model", "sd15")
    write_checkpoint(model, root / "whole.safetensors", "sd15")
    shutil.copytree(model / "tokenizer", root / "tokenizer")
    save_control(root / "control", model)
    np.save(root / "depth.npy", np.linspace(0, 1, 96 * 96, dtype=np.float32).reshape(96, 96))
    return root


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("model.diffusion_model.out.2.weight", None, r"out\.2\.weight is missing"),
        ("first_stage_model.decoder.norm_out.bias", None, r"norm_out\.bias is missing"),
        ("cond_stage_model.transformer.text_model.final_layer_norm.bias", None, "is missing"),
        ("model.diffusion_model.out.0.bias", (5,), "is 5 and should be 32"),
        ("model.diffusion_model.time_embed.0.weight", (32, 128), "is 32x128 and should be 128x32"),
        ("model.diffusion_model.another.weight", (2,), "has no tensor .*another"),
        ("first_stage_model.decoder.another.weight", (2,), "has no tensor .*another"),
        ("model.diffusion_model.label_emb.0.0.weight", (2, 2), "unCLIP"),
    ],
)
def test_a_file_that_is_not_just_the_model_is_refused(
    sd15: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    shape: tuple[int, ...] | None,
    words: str,
) -> None:
    """No weight is left to chance, and none of the file's is left out."""
    tiny_layout("sd15", sd15, monkeypatch)
    tensors = load_file(sd15 / "whole.safetensors")
    tensors.pop(name, None)
    save_file(tensors | ({} if shape is None else {name: torch.zeros(shape)}), tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=words) as refused:
        parts_of(tmp_path / "other.safetensors", "cpu", torch.float32)
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE
    assert "\n" not in str(refused.value)


def test_a_file_may_be_in_half_precision(sd15: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tiny_layout("sd15", sd15, monkeypatch)
    shutil.copytree(sd15 / "tokenizer", tmp_path / "tokenizer")
    tensors = {name: tensor.half() for name, tensor in load_file(sd15 / "whole.safetensors").items()}
    save_file(tensors, tmp_path / "half.safetensors")
    unet = parts_of(tmp_path / "half.safetensors", "cpu", torch.float32)["unet"]
    expected = tensors["model.diffusion_model.out.2.weight"].float()
    assert torch.equal(unet.conv_out.weight, expected)


def test_words_are_looked_for(sd15: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Beside the file, then above it as ComfyUI has them, then in the hub's cache; no half of them counts."""
    empty_cache(tmp_path / "hub", monkeypatch)
    file = tmp_path / "comfy-ui" / "models" / "checkpoints" / "one.safetensors"
    file.parent.mkdir(parents=True)
    cached = tmp_path / "hub" / "models--openai--clip-vit-large-patch14"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("a" * 40)
    places = (
        cached / "snapshots" / ("a" * 40),
        tmp_path / "comfy-ui" / "comfy" / "sd1_tokenizer",
        file.parent / "tokenizer",
    )
    places[0].mkdir(parents=True)
    (places[0] / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="models pull openai/clip") as refused:
        tokenizer_for(file, "tokenizer", pads_with_end=True)
    assert refused.value.code is ErrorCode.MODEL_NOT_FOUND
    for number, place in enumerate(places):
        shutil.copytree(sd15 / "tokenizer", place, dirs_exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (place / name).unlink(missing_ok=True)
        words = json.loads((sd15 / "tokenizer" / "vocab.json").read_text())
        (place / "vocab.json").write_text(json.dumps(words | {f"mark{number}</w>": 150}))
        tokenizer = tokenizer_for(file, "tokenizer", pads_with_end=number == 0)
        assert f"mark{number}</w>" in tokenizer.get_vocab()
        assert tokenizer.model_max_length == 77
        assert tokenizer.pad_token == ("<|endoftext|>" if number == 0 else "!")
    (places[-1] / "merges.txt").unlink()
    (places[-1] / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="not a CLIP tokenizer"):
        tokenizer_for(file, "tokenizer", pads_with_end=True)


def test_a_pickle_is_not_read_whatever_it_is_called(sd15: Path, tmp_path: Path) -> None:
    for name, code in (("a.ckpt", ErrorCode.PICKLE_REFUSED), ("a.safetensors", ErrorCode.PICKLE_REFUSED)):
        torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / name)
        with pytest.raises(ModelError) as refused:
            paint(sd15, tmp_path / name, sd15 / "control")
        assert refused.value.code is code
    with pytest.raises(ModelError) as refused:
        family_of(tmp_path / "a.safetensors")
    assert refused.value.code is ErrorCode.MODEL_TRUNCATED


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
        ({"model.diffusion_model.input_blocks.0.0.weight": (2, 4, 3, 3), "edm_mean": (4,)}, "Playground"),
        ({"control_model.input_hint_block.0.weight": (2, 3, 3, 3)}, "control network"),
        ({"controlnet_cond_embedding.conv_in.weight": (2, 3, 3, 3)}, "control network"),
        ({"anything": (2,)}, "not a checkpoint of Stable Diffusion 1, 2 or XL"),
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
