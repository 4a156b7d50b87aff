"""LoRAs in every layout change the weights by exactly their product, and nothing is silently left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_sd import save_control, save_model, text_config
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.model_choice import Lora
from depthpaint.models.painter import Runtime
from depthpaint.models.stable_diffusion.lora import apply_loras
from depthpaint.models.stable_diffusion.original_names import original_name
from depthpaint.record.result import Result
from depthpaint.request import Request

pytestmark = pytest.mark.filterwarnings("ignore")
RANK, ALPHA = 3, 1.5
LAYERS = (
    "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
    "up_blocks.1.attentions.1.transformer_blocks.0.attn2.to_out.0",
    "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj",
    "down_blocks.1.resnets.0.conv1",
    "down_blocks.0.downsamplers.0.conv",
    "up_blocks.0.upsamplers.0.conv",
)
WORDS = "encoder.layers.1.mlp.fc1"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sd")
    save_control(folder / "control", save_model(folder / "model", "sd15"))
    np.save(folder / "depth.npy", np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64))
    return folder


@pytest.fixture(scope="module")
def factors(model: Path) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Down and up of some layers of the UNet."""
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(model / "model" / "unet")
    generator = torch.Generator().manual_seed(4)
    made: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for name in LAYERS:
        shape = unet.get_submodule(name).weight.shape
        down = torch.randn((RANK, *shape[1:]), generator=generator)
        up = torch.randn((shape[0], RANK, *(1 for _ in shape[2:])), generator=generator)
        made[name] = (down, up)
    return made


def paint(model: Path, folder: Path | None = None, *, prompt: str = "a red house", **more: Any) -> Result:
    request = Request(
        depth=model / "depth.npy", near="white", kind="disparity", prompt=prompt, size=(64, 64),
        num_inference_steps=2, model=str(folder or model / "model"), control=str(model / "control"), **more,
    )  # fmt: skip
    return Engine(runtime=Runtime("cpu")).paint(request)


def kohya(name: str) -> str:
    return "lora_unet_" + name.replace(".", "_")


def kohya_of_the_original(name: str) -> str:
    config = {"layers_per_block": 1, "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D")}
    return "lora_unet_" + original_name(name, config).replace(".", "_")


LAYOUTS: dict[str, tuple[Callable[[str], str], str, str]] = {
    "kohya": (kohya, ".lora_down.weight", ".lora_up.weight"),
    "kohya of the original": (kohya_of_the_original, ".lora_down.weight", ".lora_up.weight"),
    "peft": (lambda name: f"unet.{name}", ".lora_A.weight", ".lora_B.weight"),
    "peft, saved by itself": (
        lambda name: f"base_model.model.unet.{name}",
        ".lora_A.default.weight", ".lora_B.default.weight",
    ),
    "diffusers": (lambda name: f"unet.{name}", ".lora.down.weight", ".lora.up.weight"),
}  # fmt: skip


def write(path: Path, factors: dict[str, Any], layout: str = "kohya", **more: torch.Tensor) -> Path:
    spelled, down_end, up_end = LAYOUTS[layout]
    tensors = {spelled(name) + down_end: down for name, (down, _) in factors.items()}
    tensors |= {spelled(name) + up_end: up for name, (_, up) in factors.items()}
    tensors |= {spelled(name) + ".alpha": torch.tensor(ALPHA) for name in factors}
    save_file({name: tensor.contiguous() for name, tensor in (tensors | more).items()}, path)
    return path


@pytest.fixture(scope="module")
def merged(model: Path, factors: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with half of the product added by hand."""
    folder = tmp_path_factory.mktemp("merged") / "model"
    shutil.copytree(model / "model", folder)
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet")
    with torch.no_grad():
        for name, (down, up) in factors.items():
            product = torch.einsum("or,r...->o...", up.flatten(1), down)
            unet.get_submodule(name).weight += 0.5 * ALPHA / RANK * product
    unet.save_pretrained(folder / "unet")
    return folder


@pytest.mark.full
@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_paints_as_if_merged_by_hand(
    model: Path, factors: dict[str, Any], merged: Path, tmp_path: Path, layout: str
) -> None:
    file = write(tmp_path / "style.safetensors", factors, layout)
    painted = paint(model, lora=(Lora(file=str(file), weight=0.5),))
    expected, plain = paint(model, merged).pictures[0].pixels, paint(model)
    difference = painted.pictures[0].pixels.astype(int) - expected
    assert np.abs(difference).max() <= 1
    assert np.abs(plain.pictures[0].pixels.astype(int) - expected).max() > 3
    assert painted.weights_sha256 != plain.weights_sha256


@pytest.mark.full
def test_a_tag_in_the_prompt_is_found_in_the_model_trees(
    model: Path, factors: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models/Lora/ink").mkdir(parents=True)
    file = write(tmp_path / "models/Lora/ink/my style.safetensors", factors)
    monkeypatch.setenv("DEPTHPAINT_MODELS", str(tmp_path))
    by_file = paint(model, lora=(Lora(file=str(file), weight=0.5),))
    by_tag = paint(model, prompt="a red house <lora:ink/my style:0.5>")
    assert np.array_equal(by_tag.pictures[0].pixels, by_file.pictures[0].pixels)
    assert by_tag.record.settings.prompt == "a red house"
    with pytest.raises(ModelError, match="there is no LoRA 'gone'"):
        paint(model, prompt="a red house <lora:gone:0.5>")


@pytest.mark.full
def test_changes_at_steps_and_several_parts_reach_the_networks(model: Path) -> None:
    def pixels(prompt: str) -> Any:
        # Without a training a model follows words so little that only a high guidance shows it.
        return paint(model, prompt=prompt, guidance_scale=80).pictures[0].pixels.astype(int)

    plain = pixels("a red house")
    assert np.array_equal(pixels("a red [house|house]"), plain)
    assert not np.array_equal(pixels("a red [house:snowy boat:1]"), plain)
    assert np.abs(pixels("a red house:0.5 AND a red house:0.5") - plain).max() <= 1
    assert not np.array_equal(pixels("a red house AND a [snowy|blue] boat BREAK fog:0.5"), plain)


@pytest.mark.full
def test_weight_zero_changes_nothing_and_two_add_up(
    model: Path, factors: dict[str, Any], merged: Path, tmp_path: Path
) -> None:
    file = str(write(tmp_path / "style.safetensors", factors))
    nothing = paint(model, lora=(Lora(file=file, weight=0),)).pictures[0].pixels
    assert np.array_equal(nothing, paint(model).pictures[0].pixels)
    twice = paint(model, lora=(Lora(file=file, weight=0.25),) * 2).pictures[0].pixels
    assert np.abs(twice.astype(int) - paint(model, merged).pictures[0].pixels).max() <= 1


SPELLINGS = (
    "lora_te_text_model_", "lora_te1_text_model_", "text_encoder.text_model.", "text_encoder.",
)  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_words_of_either_encoder_are_changed_too(tmp_path: Path, spelling: str) -> None:
    second = spelling.replace("te1_", "te2_").replace("te_", "te2_").replace("encoder.", "encoder_2.")
    parts: dict[str, Any] = {
        "text_encoder": CLIPTextModel(text_config(32)),
        "text_encoder_2": CLIPTextModelWithProjection(text_config(32, projection_dim=32)),
    }
    generator = torch.Generator().manual_seed(1)
    down, up = torch.randn((2, 32), generator=generator), torch.randn((37, 2), generator=generator)
    layers = [parts["text_encoder"].get_submodule(WORDS)]
    layers += [parts["text_encoder_2"].get_submodule(f"text_model.{WORDS}")]
    before = [layer.weight.detach().clone() for layer in layers]
    for start, strength in ((spelling, 1.0), (second, 3.0)):
        key = start + (WORDS.replace(".", "_") if start.startswith("lora_") else WORDS)
        tensors = {f"{key}.lora_down.weight": strength * down, f"{key}.lora_up.weight": up}
        save_file(tensors, tmp_path / "words.safetensors")
        apply_loras([(tmp_path / "words.safetensors", 0.5)], parts)
    for layer, old, strength in zip(layers, before, (1.0, 3.0), strict=True):
        assert torch.allclose(layer.weight, old + 0.5 * strength * up @ down, atol=1e-5)


def changed(model: Path, file: Path, layer: str = LAYERS[0]) -> torch.Tensor:
    """What the file adds to a layer's weights."""
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(model / "model" / "unet")
    before = unet.get_submodule(layer).weight.detach().clone()
    apply_loras([(file, 1.0)], {"unet": unet})
    return unet.get_submodule(layer).weight.detach() - before


FACTORS = {"A": torch.full((4, 32), 0.5), "B": torch.full((32, 4), 0.25)}


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        (None, 1.0),
        ({"unet.lora_alpha": 8, "unet.r": 4}, 2.0),
        ({"unet.lora_alpha": 8, "unet.use_rslora": True}, 4.0),
        ({"unet.lora_alpha": 8, "unet.alpha_pattern": {LAYERS[0]: 2}}, 0.5),
        ({"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 2}}, 0.5),
        ({"unet.lora_alpha": 8, "unet.alpha_pattern": {"elsewhere": 2}}, 2.0),
        ({"text_encoder.lora_alpha": 8}, 1.0),
    ],
)
def test_alpha_may_be_in_the_settings(
    model: Path, tmp_path: Path, settings: dict[str, Any] | None, scale: float
) -> None:
    """As diffusers writes it: beside the factors there is none."""
    texts = None if settings is None else {"lora_adapter_metadata": json.dumps(settings)}
    tensors = {f"unet.{LAYERS[0]}.lora_{half}.weight": tensor for half, tensor in FACTORS.items()}
    save_file(tensors, tmp_path / "style.safetensors", texts)
    expected = scale * FACTORS["B"] @ FACTORS["A"]
    assert torch.allclose(changed(model, tmp_path / "style.safetensors"), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{", "not JSON"), ("[]", "not contain an object"), ('{"unet.use_dora": true}', "DoRA"),
        ('{"unet.lora_alpha": "8"}', "not a number"), ('{"unet.lora_alpha": 1e9}', "is 1000000000"),
        ('{"unet.lora_alpha": 8, "unet.alpha_pattern": [1]}', "not a number"),
        ('{"unet.lora_alpha": true}', "not a number"), ('{"unet.lora_alpha": NaN}', "contains NaN"),
        ('{"unet.lora_alpha": 1' + 400 * "0" + "}", "is 10000"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(
    model: Path, tmp_path: Path, settings: str, words: str
) -> None:
    tensors = {f"unet.{LAYERS[0]}.lora_{half}.weight": tensor for half, tensor in FACTORS.items()}
    save_file(tensors, tmp_path / "style.safetensors", {"lora_adapter_metadata": settings})
    with pytest.raises(ModelError, match=words) as refused:
        changed(model, tmp_path / "style.safetensors")
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE


def test_a_linear_layer_may_be_a_convolution_of_one_pixel(model: Path, tmp_path: Path) -> None:
    tensors = {f"unet.{LAYERS[0]}.lora_{half}.weight": t[..., None, None] for half, t in FACTORS.items()}
    save_file(tensors, tmp_path / "style.safetensors")
    added = changed(model, tmp_path / "style.safetensors")
    assert torch.allclose(added, FACTORS["B"] @ FACTORS["A"], atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "spelling"), [(LAYERS[0], "attn1.processor.to_q"), (LAYERS[1], "attn2.processor.to_out")]
)
def test_attention_was_once_spelled_by_its_processor(
    model: Path, tmp_path: Path, layer: str, spelling: str
) -> None:
    key = f"unet.{layer.partition('.attn')[0]}.{spelling}_lora"
    tensors = {f"{key}.down.weight": FACTORS["A"], f"{key}.up.weight": FACTORS["B"]}
    save_file(tensors, tmp_path / "style.safetensors")
    added = changed(model, tmp_path / "style.safetensors", layer)
    assert torch.allclose(added, FACTORS["B"] @ FACTORS["A"], atol=1e-5)


def test_nothing_is_added_before_all_is_looked_through(
    model: Path, factors: dict[str, Any], tmp_path: Path
) -> None:
    file = write(tmp_path / "style.safetensors", factors, zzz=torch.zeros(1))
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(model / "model" / "unet")
    before = {name: tensor.clone() for name, tensor in unet.state_dict().items()}
    with pytest.raises(ModelError, match="zzz"):
        apply_loras([(file, 1.0)], {"unet": unet})
    assert all(torch.equal(tensor, before[name]) for name, tensor in unet.state_dict().items())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"lora_unet_elsewhere.lora_down.weight": torch.zeros(2, 2)}, "no layer for"),
        ({kohya(LAYERS[0]) + ".hada_w1_a": torch.zeros(2, 2)}, "LoHa"),
        ({kohya(LAYERS[0]) + ".dora_scale": torch.zeros(2)}, "DoRA"),
        ({kohya(LAYERS[0]) + ".alpha": torch.tensor(float("inf"))}, "alpha"),
        ({kohya(LAYERS[0]) + ".lora_up.weight": torch.zeros(9, RANK)}, "9x32"),
        ({kohya(LAYERS[0]) + ".lora_up.weight": torch.zeros(32, RANK + 1)}, "the factors of"),
        ({kohya("mid_block.attentions.0.proj_in") + ".lora_up.weight": torch.zeros(2, 2)}, "missing"),
        ({kohya(LAYERS[0]) + ".alpha": torch.ones(2)}, "not a number"),
        ({kohya(LAYERS[0]) + ".alpha": torch.tensor(2e4)}, "alpha"),
        ({kohya(LAYERS[0]) + ".lora_up.weight": torch.full((32, RANK), torch.nan)}, "not finite"),
        ({f"unet.{LAYERS[0]}.lora_A.weight": torch.zeros(RANK, 32)}, "twice"),
        ({f"unet.{LAYERS[0]}.lora_magnitude_vector": torch.zeros(32)}, "DoRA"),
        ({kohya(LAYERS[0]) + ".lokr_w1": torch.zeros(2, 2)}, "LoKr"),
        ({kohya(LAYERS[0]) + ".diff_b": torch.zeros(32)}, "difference of whole weights"),
        (
            {kohya(LAYERS[0]) + ".lora_up.weight": torch.zeros(32, 0),
             kohya(LAYERS[0]) + ".lora_down.weight": torch.zeros(0, 32)}, "32x0 and 0x32",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(
    model: Path, factors: dict[str, Any], tmp_path: Path, more: dict[str, torch.Tensor], words: str
) -> None:
    file = write(tmp_path / "style.safetensors", factors, **more)
    with pytest.raises(ModelError, match=words) as refused:
        paint(model, lora=(Lora(file=str(file)),))
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE
    assert "\n" not in str(refused.value)


def test_a_pickle_is_not_read_whatever_it_is_called(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "style.safetensors"
    torch.save({"a": torch.zeros(1)}, file)
    with pytest.raises(ModelError) as refused:
        paint(model, lora=(Lora(file=str(file)),))
    assert refused.value.code in (ErrorCode.MODEL_TRUNCATED, ErrorCode.PICKLE_REFUSED)
