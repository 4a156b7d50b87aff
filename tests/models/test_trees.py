"""Model trees of ComfyUI and of the web UI, read where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from depthpaint.core.errors import ModelError
from depthpaint.models.stable_diffusion.places import VARIABLE, Shelf, on_shelf


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("comfy/models/loras/a.safetensors", "webui/models/Lora/sub/b.safetensors",
                 "webui/models/Lora/old.ckpt", "comfy/models/diffusion_models/unet.safetensors",
                 "comfy/models/checkpoints/photo.safetensors", "webui/embeddings/bad.safetensors",
                 "secret.safetensors"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setenv(VARIABLE, os.pathsep.join([str(tmp_path / "comfy"), str(tmp_path / "webui")]))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "shelf", "found"),
    [
        ("a", "lora", "comfy/models/loras/a.safetensors"),
        ("a.safetensors", "lora", "comfy/models/loras/a.safetensors"),
        ("sub/b", "lora", "webui/models/Lora/sub/b.safetensors"),
        ("photo", "model", "comfy/models/checkpoints/photo.safetensors"),
        ("bad", "embedding", "webui/embeddings/bad.safetensors"),
        ("a", "model", None),
        ("nothing", "lora", None),
        ("old", "lora", "webui/models/Lora/old.ckpt"),
        ("unet", "model", "comfy/models/diffusion_models/unet.safetensors"),
        ("x" * 5000, "lora", None),
    ],
)
def test_a_name_is_looked_up_on_its_shelf(tree: Path, name: str, shelf: Shelf, found: str | None) -> None:
    assert on_shelf(name, shelf) == (None if found is None else tree / found)


@pytest.mark.parametrize("name", ["../../../secret", "sub/../../../../secret", ".."])
def test_a_name_that_leads_out_is_refused(tree: Path, name: str) -> None:
    assert (tree / "secret.safetensors").exists()
    with pytest.raises(ModelError, match="outside the model trees"):
        on_shelf(name, "lora")


def test_without_trees_nothing_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert on_shelf("../x", "lora") is None


def test_a_path_is_no_name(tree: Path) -> None:
    assert on_shelf(str(tree / "secret"), "lora") is None


def test_one_name_for_two_files_is_refused_with_both(tree: Path) -> None:
    (tree / "webui/models/Lora/a.safetensors").touch()
    with pytest.raises(ModelError, match=r"comfy.*webui"):
        on_shelf("a", "lora")
