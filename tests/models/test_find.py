"""From a name to files: presets, folders, hub ids, trees, and what is refused before weights are loaded."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest
from tiny_files import CANARY, pickled, safetensors_bytes, save_layout, save_network

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.model_choice import ModelChoice
from depthpaint.models.hub_files import HubPart
from depthpaint.models.painter import ModelEntry, Runtime
from depthpaint.models.registry import find_model
from depthpaint.models.stable_diffusion.folder_parts import ModelPaths, habits_of
from depthpaint.models.stable_diffusion.places import VARIABLE
from depthpaint.models.stable_diffusion.presets import PRESETS


class Loading:
    """In the place of the loader, which would load torch."""

    seen: tuple[object, ...] = ()

    @classmethod
    def load_painter(cls, *arguments: object) -> None:
        cls.seen = arguments
        raise ModelError("reached the loader", code=ErrorCode.INTERNAL)


@pytest.fixture(autouse=True)
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        sys.modules, "depthpaint.models.stable_diffusion.painter", cast("ModuleType", Loading)
    )
    monkeypatch.setattr("depthpaint.models.stable_diffusion.find.silence_libraries", lambda: None)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
    return save_layout(tmp_path / "my v1.5")


def find(model: object, **choice: object) -> ModelEntry:
    return find_model(ModelChoice.model_validate({"model": str(model), **choice}))


def refused(model: object, **choice: object) -> ModelError:
    """What finding, or loading, the model is refused with."""
    with pytest.raises(ModelError) as caught:
        find(model, **choice).load(Runtime("cpu"))
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_folder_is_a_model_called_by_its_own_name(model: Path) -> None:
    entry = find(model)
    assert entry.habits == habits_of(model, "my v1.5")
    assert str(model.parent) not in entry.summary


def test_a_folder_that_is_none_is_told_what_it_should_hold(model: Path) -> None:
    told = refused(model / "unet")
    assert (told.code, "model_index.json" in str(told)) == (ErrorCode.MODEL_NOT_FOUND, True)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_planned_with_before_it_is_here(model: Path, name: str) -> None:
    assert find(name).habits == PRESETS[name].habits
    told = refused(name)
    assert (told.code, f"models pull {name} " in str(told)) == (ErrorCode.OFFLINE_MISSING, True)


def test_a_hub_id_that_is_not_here_says_how_it_is_fetched(model: Path) -> None:
    told = refused("somebody/some-model")
    assert told.code is ErrorCode.OFFLINE_MISSING
    assert "depthpaint models pull somebody/some-model" in str(told)
    assert "somebody/control" in str(refused(model, control="somebody/control"))
    assert "somebody/vae" in str(refused(model, vae="somebody/vae"))


@pytest.mark.parametrize(
    "name", ["../../nowhere/passwd", "a/../../b", ".hidden/x", "x" * 5000, "no such model"]
)
def test_a_name_that_names_nothing_is_unknown(model: Path, name: str) -> None:
    assert refused(name).code is ErrorCode.MODEL_NOT_FOUND


def test_an_sdxl_network_is_refused_for_sd_15_and_both_are_named(model: Path, tmp_path: Path) -> None:
    xl = save_layout(tmp_path / "xl", xl=True)
    for name, network in {
        "controlnet": {"_class_name": "ControlNetModel", "cross_attention_dim": 2048},
        "adapter": {"_class_name": "T2IAdapter", "adapter_type": "full_adapter_xl"},
    }.items():
        control = save_network(tmp_path / name, **network)
        told = refused(model, control=str(control))
        assert told.code is ErrorCode.MODEL_INCOMPATIBLE
        assert (str(model) in str(told), str(control) in str(told), "SDXL" in str(told)) == (True,) * 3
        assert refused(xl, control=str(control)).message == "reached the loader"
    old = save_network(tmp_path / "old", _class_name="T2IAdapter", adapter_type="full_adapter")
    assert refused(xl, control=str(old)).code is ErrorCode.MODEL_INCOMPATIBLE


def test_a_further_control_needs_a_network(model: Path) -> None:
    told = refused(model, also="canny")
    assert (told.code, "--also canny=" in str(told)) == (ErrorCode.MODEL_NOT_FOUND, True)


@pytest.mark.parametrize("place", ["model", "control", "vae", "lora"])
def test_a_pickle_is_refused_wherever_it_is_named(model: Path, tmp_path: Path, place: str) -> None:
    for name in ("x.ckpt", "x.safetensors"):
        file = tmp_path / name
        file.write_bytes(pickled(tmp_path))
        said = file if place == "model" else model
        choice: dict[str, object] = {} if place == "model" else {place: str(file)}
        assert refused(said, **choice).code is ErrorCode.PICKLE_REFUSED
    assert not (tmp_path / CANARY).exists()


def test_a_lora_that_is_not_there_is_told(model: Path) -> None:
    assert "no LoRA 'style'" in str(refused(model, lora="style:0.5"))


def test_names_are_looked_up_in_the_trees(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "comfy"))
    save_layout(tmp_path / "comfy/models/diffusers/mine", xl=True)
    assert find("mine").habits.name == "mine"
    network = save_network(tmp_path / "comfy/models/controlnet/depth", cross_attention_dim=768)
    assert network.name in str(refused("mine", control="depth"))
    (tmp_path / "comfy/models/loras").mkdir()
    (tmp_path / "comfy/models/loras/old.ckpt").write_bytes(pickled(tmp_path))
    assert refused(model, lora="old").code is ErrorCode.PICKLE_REFUSED


def test_one_file_that_is_no_checkpoint_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(safetensors_bytes())
    assert refused(tmp_path / "x.safetensors").code is ErrorCode.MODEL_INCOMPATIBLE


def test_a_safety_checker_that_is_asked_for_has_to_be_there(model: Path) -> None:
    told = refused(model, safety_checker=True)
    assert (told.code, "--safety-checker" in str(told)) == (ErrorCode.MODEL_NOT_FOUND, True)
    for part in ("safety_checker", "feature_extractor"):
        (model / part).mkdir()
    assert refused(model, safety_checker=True).message == "reached the loader"
    found = Loading.seen[1]
    assert isinstance(found, ModelPaths)
    assert found.checked
    assert "combined with safety_checker" in str(refused("diorama", safety_checker=True))


def test_what_a_choice_came_to_reaches_the_loader(model: Path, tmp_path: Path) -> None:
    control = save_network(tmp_path / "control", cross_attention_dim=768)
    normal = save_network(tmp_path / "normal", cross_attention_dim=768)
    (tmp_path / "a.safetensors").write_bytes(safetensors_bytes())
    refused(
        model, control=str(control), vae=str(model / "vae"), clip_skip=1,
        lora=f"{tmp_path}/a.safetensors:0.5", also=f"normal={normal}",
    )  # fmt: skip
    networks = {"depth": control, "normal": normal}
    wanted = ModelPaths(
        model, networks, model / "vae", ((tmp_path / "a.safetensors", 0.5),), clip_skip=1,
        embeddings=model / "embeddings",
    )  # fmt: skip
    assert Loading.seen == (habits_of(model, "my v1.5"), wanted, Runtime("cpu"))


def test_a_presets_own_lora_comes_before_those_that_are_named(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(_: str, part: HubPart, __: str) -> Path:
        return tmp_path / part.repository

    monkeypatch.setattr("depthpaint.models.stable_diffusion.places.local_folder", here)
    (tmp_path / "a.safetensors").write_bytes(safetensors_bytes())
    refused("sd15-lcm", lora=f"{tmp_path}/a.safetensors")
    found = Loading.seen[1]
    assert isinstance(found, ModelPaths)
    own = tmp_path / "latent-consistency/lcm-lora-sdv1-5/pytorch_lora_weights.safetensors"
    assert found.loras == ((own, 1.0), (tmp_path / "a.safetensors", 1.0))
    assert found.controls == {"depth": tmp_path / "lllyasviel/control_v11f1p_sd15_depth"}


def test_a_presets_own_strength_is_not_that_of_another_network(model: Path) -> None:
    assert find("sdxl").habits.control_strength == 0.5
    assert find("sdxl", control=str(model)).habits.control_strength == 1.0
