"""Folders that ComfyUI's extra_model_paths.yaml names are looked into where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.stable_diffusion.places import LONGEST, VARIABLE, Shelf, folders_in, on_shelf

TEXT = """\
# as other programs write it
webui:
    base_path: {webui}
    is_default: true
    checkpoints: models/Stable-diffusion
    loras: |
         models/Lora
         models/LyCORIS

    embeddings: embeddings
    upscale_models: models/ESRGAN
    clip_vision:
comfyui:
    base_path: $TREES_OF_A_TEST/comfy
    unet: unet/
    controlnet: {webui}/models/ControlNet
beside:
    vae: ./vaes
empty:
"""
FILES = (
    "webui/models/Stable-diffusion/photo.safetensors", "webui/models/LyCORIS/style.safetensors",
    "webui/models/Lora/sub/ink.safetensors", "webui/embeddings/bad.safetensors",
    "webui/models/ControlNet/depth.safetensors", "comfy/unet/one.safetensors", "here/vaes/soft.safetensors",
    "comfy/models/loras/unnamed.safetensors", "webui/models/ESRGAN/large.safetensors",
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setenv("TREES_OF_A_TEST", str(tmp_path))
    written = tmp_path / "here" / "extra_model_paths.yaml"
    written.write_text(TEXT.format(webui=tmp_path / "webui"))
    monkeypatch.setenv(VARIABLE, str(written))
    return written


@pytest.mark.parametrize(
    ("name", "shelf", "found"),
    [
        ("photo", "model", FILES[0]),
        ("style", "lora", FILES[1]),
        ("sub/ink", "lora", FILES[2]),
        ("bad", "embedding", FILES[3]),
        ("depth.safetensors", "control", FILES[4]),
        ("one", "model", FILES[5]),
        ("soft", "vae", FILES[6]),
        ("unnamed", "lora", None),
        ("large", "model", None),
    ],
)
def test_a_name_is_looked_up_where_the_file_says(
    file: Path, name: str, shelf: Shelf, found: str | None
) -> None:
    place = on_shelf(name, shelf)
    assert (place and place.resolve()) == (None if found is None else file.parents[1] / found)


def test_folders_and_files_of_trees_stand_side_by_side(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comfy = file.parents[1] / "comfy"
    monkeypatch.setenv(VARIABLE, os.pathsep.join([str(comfy), str(file)]))
    assert on_shelf("unnamed", "lora") == comfy / "models/loras/unnamed.safetensors"
    (comfy / "models/loras/style.safetensors").touch()
    with pytest.raises(ModelError, match=r"comfy.*LyCORIS"):
        on_shelf("style", "lora")


def test_a_name_leads_out_of_no_folder_of_it(file: Path) -> None:
    with pytest.raises(ModelError, match="outside the model trees"):
        on_shelf("../Lora/sub/ink", "lora")


def test_a_relative_base_is_relative_to_the_file_and_home_is_home(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(file.parents[1]))
    monkeypatch.setenv("USERPROFILE", str(file.parents[1]))
    for base in ("../comfy", "~/comfy"):
        file.write_text(f"a:\n  base_path: {base}\n  unet: unet\n")
        place = on_shelf("one", "model")
        assert place is not None
        assert place.resolve() == file.parents[1] / FILES[5]


def test_a_file_that_changes_is_read_anew(file: Path) -> None:
    assert on_shelf("one", "model") is not None
    file.write_text("a:\n  loras: x\n")
    assert on_shelf("one", "model") is None


@pytest.mark.full
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a: [", "not YAML"),
        (b"[" * 10_000, "not YAML"),
        (b"- a\n- b\n", "does not contain names"),
        (b"", "does not contain names"),
        (b"a: /models\n", "its a does not contain names"),
        (b"a:\n  loras: [x, y]\n", "its loras is not a folder"),
        (b"a:\n  base_path: 7\n  loras: x\n", "its base_path is not a folder"),
        (b"a: !!python/object/apply:os.getcwd []\n", "not YAML"),
        (b"\xff\xfe\xfd", "not readable text"),
        (b"#" * (LONGEST + 1), "longer than"),
    ],
)
def test_what_is_no_such_file_is_refused_in_a_line(file: Path, content: bytes, why: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ModelError, match=why) as refused:
        folders_in(file)
    assert refused.value.code is ErrorCode.MODEL_NOT_FOUND
    assert "\n" not in str(refused.value)
    with pytest.raises(ModelError):
        on_shelf("one", "model")
