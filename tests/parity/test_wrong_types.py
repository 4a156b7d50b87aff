"""Values of a wrong type in a model's files, which no bound names, end in typed errors."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_checker import save_checker
from tiny_estimator import save_tiny
from tiny_sd import save_control, save_model

from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError, OutOfMemory
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime
from depthpaint.models.weights import library_errors
from depthpaint.request import Request

pytestmark = pytest.mark.filterwarnings("ignore")

WRONG: list[tuple[str, str, Any]] = [
    ("model/unet/config.json", "norm_eps", ""),
    ("model/unet/config.json", "mid_block_scale_factor", {}),
    ("model/unet/config.json", "freq_shift", {}),
    ("control/config.json", "downsample_padding", ["x"]),
    ("control/config.json", "controlnet_conditioning_channel_order", [0]),
    ("model/vae/config.json", "act_fn", 7),
    ("model/text_encoder/config.json", "eos_token_id", [0]),
    ("model/tokenizer/tokenizer_config.json", "model_max_length", "relu"),
    ("model/feature_extractor/preprocessor_config.json", "image_mean", {"a": 1}),
    ("estimator/config.json", "max_depth", {}),
]
ANY: list[Any] = ["", {}, ["x"], [0], "relu", {"a": 1}, True, None, -1, 2.5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    save_control(folder / "control", save_model(folder / "model", "sd15"))
    save_checker(folder / "model", refuses=False)
    save_tiny(folder / "estimator")
    np.save(folder / "depth.npy", np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64))
    return folder


def paint(folder: Path, *, estimate: bool) -> None:
    engine = Engine(runtime=Runtime("cpu", "fp32"))
    if estimate:
        engine.estimate(str(folder / "estimator"), np.zeros((32, 32, 3), np.uint8))
        return
    engine.paint(
        Request(
            depth=folder / "depth.npy", near="white", kind="disparity", prompt="a", size=(64, 64),
            num_inference_steps=1, model=str(folder / "model"), control=str(folder / "control"),
            safety_checker=True,
        )
    )  # fmt: skip


def outcome(folder: Path, name: str, key: str, value: Any) -> DepthpaintError | None:
    """What painting raises with a wrong value in a file; anything but a typed error fails the test."""
    file = folder / name
    before = file.read_text()
    file.write_text(json.dumps(json.loads(before) | {key: value}))
    try:
        paint(folder, estimate=name.startswith("estimator"))
    except DepthpaintError as error:
        return error
    finally:
        file.write_text(before)
    return None


@pytest.mark.parametrize(("name", "key", "value"), WRONG, ids=[f"{p}:{k}" for p, k, _ in WRONG])
def test_a_value_of_a_wrong_type_is_the_models_fault(folder: Path, name: str, key: str, value: Any) -> None:
    error = outcome(folder, name, key, value)
    assert isinstance(error, ModelError)
    assert (error.code, error.exit_status) == (ErrorCode.MODEL_INCOMPATIBLE, 5)
    assert str(folder) in str(error)
    assert "\n" not in str(error)


@pytest.mark.full
def test_any_value_in_any_place_ends_in_a_typed_error(folder: Path) -> None:
    names = {"config.json", "tokenizer_config.json", "scheduler_config.json", "preprocessor_config.json"}
    files = sorted(file for file in folder.rglob("*.json") if file.name in names)
    cases = [
        (str(file.relative_to(folder)), key, value)
        for file in files for key in json.loads(file.read_text()) for value in ANY
    ]  # fmt: skip
    for name, key, value in random.Random(5).sample(cases, 300):
        outcome(folder, name, key, value)


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory), library_errors(tmp_path):
        raise MemoryError
    with pytest.raises(ModuleNotFoundError), library_errors(tmp_path):
        raise ModuleNotFoundError(name="torch")
    with (
        pytest.raises(ModelError, match="its UNet fails: KeyError"),
        library_errors(tmp_path, part="its UNet"),
    ):
        raise KeyError
    with pytest.raises(KeyboardInterrupt), library_errors(tmp_path):
        raise KeyboardInterrupt
