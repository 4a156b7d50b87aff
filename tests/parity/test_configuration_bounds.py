"""Configurations that ask for too much, or for what is not a number: refused before anything is built."""

from __future__ import annotations

import json
import os
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from tiny_checker import save_checker
from tiny_estimator import save_tiny
from tiny_sd import save_control, save_model

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.models.estimators.registry import load_estimator
from depthpaint.models.painter import Runtime
from depthpaint.models.registry import find_model
from depthpaint.request import Request

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("ignore")]

UNET, VAE, TEXT, CONTROL = "model/unet", "model/vae", "model/text_encoder", "control"
NOISE = "model/scheduler/scheduler_config.json"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    save_control(folder / "control", save_model(folder / "model", "sd15"))
    save_checker(folder / "model", refuses=False)
    save_tiny(folder / "estimator")
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    return shutil.copytree(published, tmp_path / "copy")


def load(folder: Path, *, checker: bool = False) -> None:
    choice = ModelChoice(model=str(folder / "model"), control=str(folder / "control"), safety_checker=checker)
    find_model(choice).load(Runtime("cpu", "fp32"))


def file_of(folder: Path, part: str) -> Path:
    return folder / part if part.endswith(".json") else folder / part / "config.json"


def refusal(act: Callable[[], object], code: ErrorCode = ErrorCode.MODEL_INCOMPATIBLE) -> ModelError:
    """The error, with less than 32 MB made on the way to it."""
    tracemalloc.start()
    try:
        with pytest.raises(ModelError) as refused:
            act()
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    assert (refused.value.code, refused.value.exit_status) == (code, 5)
    assert "\n" not in str(refused.value)
    return refused.value


TOO_MUCH: list[tuple[str, str, Any]] = [
    (UNET, "sample_size", 2_000), (UNET, "sample_size", [16, 16]), (UNET, "sample_size", None),
    (UNET, "sample_size", float("nan")), (UNET, "sample_size", True), (UNET, "sample_size", "64"),
    (UNET, "sample_size", 0), (UNET, "sample_size", -1), (UNET, "sample_size", 64.5),
    (UNET, "layers_per_block", 5_000), (UNET, "layers_per_block", [1, 5_000]),
    (UNET, "transformer_layers_per_block", 10**6), (UNET, "transformer_layers_per_block", [[1, 10**6], 1]),
    (UNET, "block_out_channels", None), (UNET, "block_out_channels", 64),
    (UNET, "block_out_channels", []), (UNET, "block_out_channels", [32] * 4_000),
    (UNET, "block_out_channels", [32, 10**7]), (UNET, "block_out_channels", [32, None]),
    (UNET, "cross_attention_dim", 10**8), (UNET, "attention_head_dim", 10**7),
    (UNET, "in_channels", 10**6), (UNET, "norm_num_groups", -8), (UNET, "num_class_embeds", 10**9),
    (UNET, "conv_in_kernel", 10**5), (UNET, "a_key_of_later", 10**12),
    (UNET, "resnet_out_scale_factor", 1e308),
    (VAE, "block_out_channels", [16] * 30), (VAE, "block_out_channels", None),
    (VAE, "latent_channels", 10**6), (VAE, "latent_channels", [4]), (VAE, "scaling_factor", float("inf")),
    (VAE, "layers_per_block", 10**5),
    (NOISE, "num_train_timesteps", 10**9), (NOISE, "num_train_timesteps", None),
    (NOISE, "num_train_timesteps", 1e3), (NOISE, "beta_start", "0.1"), (NOISE, "beta_start", 0),
    (NOISE, "beta_end", 2.0), (NOISE, "beta_end", float("nan")), (NOISE, "beta_schedule", "sigmoid"),
    (NOISE, "beta_schedule", ["linear"]), (NOISE, "prediction_type", None), (NOISE, "prediction_type", "x0"),
    (NOISE, "rescale_betas_zero_snr", 7), (NOISE, "trained_betas", [0.1] * 20_000),
    (TEXT, "vocab_size", 10**9), (TEXT, "hidden_size", 10**6), (TEXT, "num_hidden_layers", 10**5),
    (TEXT, "intermediate_size", 10**8), (TEXT, "max_position_embeddings", 10**8),
    (TEXT, "num_labels", 10**9), (TEXT, "attn_implementation", "somebody/kernels"),
    (TEXT, "text_config", {"vocab_size": 10**9}),
    (CONTROL, "layers_per_block", 5_000), (CONTROL, "conditioning_embedding_out_channels", [16] * 5_000),
    (CONTROL, "conditioning_embedding_out_channels", [10**7]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "key", "value"), TOO_MUCH, ids=[f"{p}:{k}={str(v)[:24]}" for p, k, v in TOO_MUCH]
)
def test_a_number_out_of_bounds_names_file_key_and_value(
    folder: Path, part: str, key: str, value: Any
) -> None:
    file = file_of(folder, part)
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    told = str(refusal(lambda: load(folder)))
    no_number = (isinstance(value, float) and value != value) or value == float("inf")
    assert file.name in told
    assert ("not a number" if no_number else key if not isinstance(value, dict) else "vocab_size") in told


@pytest.mark.parametrize("part", [UNET, VAE, NOISE, "model/model_index.json", TEXT, CONTROL, "estimator"])
@pytest.mark.parametrize("kind", ["endless", "pipe", "large", "deep", "a list", "1e999"])
def test_a_configuration_is_a_small_regular_file(folder: Path, part: str, kind: str) -> None:
    file = file_of(folder, part)
    file.unlink()
    if kind == "endless":
        file.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        text = {"large": '{"a": "' + "b" * 2_000_000 + '"}', "deep": "[" * 500_000, "a list": "[]"}
        file.write_text(text.get(kind, '{"sample_size": 1e999, "model_type": "depth_anything"}'))
    estimator = part == "estimator"
    # What is no file at all is not taken for a model's folder.
    absent = kind in ("endless", "pipe") and file.name == "model_index.json"
    code = ErrorCode.MODEL_NOT_FOUND if absent else ErrorCode.MODEL_INCOMPATIBLE
    told = refusal(lambda: load_estimator(str(folder / part)) if estimator else load(folder), code)
    assert file.name in str(told)


@pytest.mark.parametrize("name", ["tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json"])
@pytest.mark.parametrize("kind", ["endless", "pipe", "large"])
def test_a_tokenizers_files_are_small_regular_ones(folder: Path, name: str, kind: str) -> None:
    file = folder / "model" / "tokenizer" / name
    file.unlink(missing_ok=True)
    if kind == "endless":
        file.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        with file.open("wb") as stream:
            stream.truncate(200_000_000)
    assert name in str(refusal(lambda: load(folder)))


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("model/safety_checker", "config.json"), ("model/feature_extractor", "preprocessor_config.json"),
        ("model/text_encoder", "generation_config.json"), ("estimator", "generation_config.json"),
    ],
)  # fmt: skip
def test_no_other_file_of_a_part_hangs_it(folder: Path, part: str, name: str) -> None:
    (folder / part / name).unlink(missing_ok=True)
    os.mkfifo(folder / part / name)
    estimator = part == "estimator"
    told = refusal(lambda: load_estimator(str(folder / part)) if estimator else load(folder, checker=True))
    assert name in str(told)


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        (UNET, {"layers_per_block": 16, "block_out_channels": [4_096, 4_096]}),
        (TEXT, {"num_hidden_layers": 128, "hidden_size": 4_096, "intermediate_size": 65_536}),
        (TEXT, {"vocab_size": 1_000_000}),
        (CONTROL, {"block_out_channels": [4_096, 4_096], "layers_per_block": 16}),
        (VAE, {"block_out_channels": [4_096] * 4}),
        (
            "model/safety_checker",
            {"vision_config": {"num_hidden_layers": 128, "hidden_size": 4_096, "num_attention_heads": 4}},
        ),
        ("estimator", {"fusion_hidden_size": 16_384}),
    ],
)
def test_no_network_is_larger_than_its_weights(folder: Path, part: str, fields: dict[str, Any]) -> None:
    """Each number is within its bound; together they would be gigabytes of random weights."""
    file = file_of(folder, part)
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    estimator = part == "estimator"
    told = refusal(lambda: load_estimator(str(folder / part)) if estimator else load(folder, checker=True))
    assert "its files contain" in str(told)


def test_canvas_sides_are_bounded_together(folder: Path) -> None:
    """Eight levels of a UNet alone are not too many; with an autoencoder's, canvases would be 16,384 wide."""
    for part in (UNET, VAE):
        file = file_of(folder, part)
        file.write_text(json.dumps(json.loads(file.read_text()) | {"block_out_channels": [16] * 8}))
    assert "in multiples of" in str(refusal(lambda: load(folder)))


def test_an_index_of_shards_is_a_small_regular_file(folder: Path) -> None:
    weights = folder / "model" / "unet" / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    index = weights.with_name(f"{weights.name}.index.json")
    index.symlink_to("/dev/zero")
    with pytest.raises(ModelError) as refused:
        load(folder)
    assert refused.value.exit_status == 5


def test_a_tokenizer_has_no_more_words_than_the_encoder(folder: Path) -> None:
    place = folder / "model" / "tokenizer"
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (place / name).unlink(missing_ok=True)
    words = json.loads((place / "vocab.json").read_text()) | {"palace</w>": 5_000}
    (place / "vocab.json").write_text(json.dumps(words))
    assert "its tokenizer has the token 5000" in str(refusal(lambda: load(folder)))


def test_a_sentence_is_no_longer_than_the_encoder_takes(folder: Path) -> None:
    """Where no file says how long, transformers takes 1e30, and a sentence is filled up to that."""
    file = folder / "model" / "tokenizer" / "tokenizer_config.json"
    told = json.loads(file.read_text())
    del told["model_max_length"]
    file.write_text(json.dumps(told))
    painter = find_model(ModelChoice(model=str(folder / "model"), control=str(folder / "control"))).load(
        Runtime("cpu", "fp32")
    )
    assert painter.encode_text("a red house") is not None


def spoil_weights(part: Path, number: float) -> None:
    file = next(part.glob("*.safetensors"))
    weights = load_file(file)
    name = max(weights, key=lambda each: weights[each].numel() if weights[each].is_floating_point() else 0)
    weights[name].view(-1)[0] = number
    save_file(weights, file, metadata={"format": "pt"})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("part", [UNET, VAE])
def test_weights_that_are_no_numbers_paint_nothing(folder: Path, part: str, number: float) -> None:
    spoil_weights(folder / part, number)
    np.save(folder / "depth.npy", np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64))
    request = Request(
        depth=folder / "depth.npy", near="white", kind="disparity", prompt="a", size=(64, 64),
        num_inference_steps=1, model=str(folder / "model"), control=str(folder / "control"),
    )  # fmt: skip
    assert "no colours" in str(refusal(lambda: Engine(runtime=Runtime("cpu")).paint(request)))


@pytest.mark.parametrize("number", [float("nan"), float("-inf")])
def test_a_checker_of_no_numbers_is_refused(folder: Path, number: float) -> None:
    """It would find every picture safe: nothing is greater than NaN."""
    spoil_weights(folder / "model" / "safety_checker", number)
    assert "not finite" in str(refusal(lambda: load(folder, checker=True)))
