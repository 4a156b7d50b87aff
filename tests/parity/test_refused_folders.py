"""What a model's folder may ask to be built: a short list, and nothing else is ever imported."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from tiny_sd import save_control, save_model

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.model_choice import ModelChoice
from depthpaint.models.painter import Runtime
from depthpaint.models.registry import find_model

pytestmark = pytest.mark.filterwarnings("ignore")
CANARY = "a_module_that_nobody_may_import"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    save_control(folder / "control", save_model(folder / "model", "sd15"))
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("model", "control"):
        shutil.copytree(published / name, tmp_path / name)
    (tmp_path / "model" / f"{CANARY}.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "model")
    return tmp_path


def change(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def load(folder: Path) -> None:
    choice = ModelChoice(model=str(folder / "model"), control=str(folder / "control"))
    find_model(choice).load(Runtime("cpu", "fp32"))


@pytest.mark.parametrize(
    ("file", "fields"),
    [
        ("model_index.json", {"unet": ["os", "system"]}),
        ("model_index.json", {"text_encoder": [CANARY, "CLIPTextModel2"]}),
        ("model_index.json", {"vae": "AutoencoderKL"}),
        ("model_index.json", {"tokenizer": ["transformers", "AutoTokenizer"]}),
        ("../control/config.json", {"_class_name": "os.system"}),
        ("../control/config.json", {"_class_name": "ControlNetUnionModel"}),
        ("../control/config.json", {"_class_name": "FluxControlNetModel"}),
    ],
)
def test_a_class_that_is_not_on_the_list_is_refused(folder: Path, file: str, fields: dict[str, Any]) -> None:
    change(folder / "model" / file, **fields)
    with pytest.raises(ModelError) as refused:
        load(folder)
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE
    assert "\n" not in str(refused.value)
    assert CANARY not in sys.modules


@pytest.mark.full
@pytest.mark.parametrize("part", ["model/unet", "model/vae", "model/text_encoder", "control"])
def test_a_weight_that_is_missing_is_not_left_to_chance(folder: Path, part: str) -> None:
    file = next((folder / part).glob("*.safetensors"))
    weights = load_file(file)
    name = sorted(weights)[len(weights) // 2]
    del weights[name]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelError, match="is missing") as refused:
        load(folder)
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE
    assert name.removeprefix("text_model.") in str(refused.value)


def test_code_that_a_folder_brings_is_not_run(folder: Path) -> None:
    """auto_map and custom_pipeline are how the libraries are told to run it."""
    model = folder / "model"
    change(model / "model_index.json", _class_name=[CANARY, "Pipeline"], custom_pipeline=CANARY)
    change(model / "text_encoder" / "config.json", auto_map={"AutoModel": f"{CANARY}.Model"})
    change(model / "tokenizer" / "tokenizer_config.json", auto_map={"AutoTokenizer": [f"{CANARY}.T", None]})
    load(folder)
    assert CANARY not in sys.modules


def test_a_network_of_another_family_is_refused_before_any_weights(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        pytest.fail("weights were opened")

    monkeypatch.setattr("depthpaint.models.stable_diffusion.painter.load_modules", never)
    change(folder / "control" / "config.json", cross_attention_dim=2048)
    with pytest.raises(ModelError, match="SDXL") as refused:
        load(folder)
    assert all(str(folder / name) in str(refused.value) for name in ("model", "control"))
