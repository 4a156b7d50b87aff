"""A union of control networks is known by its config, and shows each control in a way of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_sd import save_control, save_model, save_union

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime
from depthpaint.models.stable_diffusion import control as union
from depthpaint.models.stable_diffusion.folder import load_modules
from depthpaint.models.stable_diffusion.folder_parts import ModelPaths
from depthpaint.request import Request

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("union")
    save_union(folder / "union", save_model(folder / "model", "sdxl"))
    save_control(folder / "plain", folder / "model")
    y, x = np.mgrid[0:64, 0:64]
    np.save(folder / "depth.npy", (y + 30 * (x > 40)).astype(np.float32))
    return folder


def paint(folder: Path, **more: Any) -> np.ndarray:
    values: dict[str, Any] = {
        "depth": folder / "depth.npy", "near": "white", "kind": "disparity", "prompt": "a red house",
        "size": (64, 64), "num_inference_steps": 2, "model": str(folder / "model"),
        "control": str(folder / "union"),
    }  # fmt: skip
    result = Engine(runtime=Runtime("cpu", "fp32")).paint(Request(**(values | more)))
    return result.pictures[0].pixels


def controls(folder: Path, places: dict[str, Path]) -> dict[str, Any]:
    found = ModelPaths(folder / "model", places)
    return dict(load_modules(found, device="cpu", dtype=torch.float32).controls)


@pytest.mark.full
def test_it_is_known_whatever_class_its_config_names(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "union", tmp_path / "union")
    told = tmp_path / "union" / "config.json"
    told.write_text(json.dumps(json.loads(told.read_text()) | {"_class_name": "ControlNetModel"}))
    for place in (folder / "union", tmp_path / "union"):
        assert isinstance(controls(folder, {"depth": place})["depth"], union.UnionNetwork)
    assert not isinstance(controls(folder, {"depth": folder / "plain"})["depth"], union.UnionNetwork)


@pytest.mark.full
def test_each_control_is_its_own_way_to_see(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hint, seen as depth, edges or normals, is another thing to it."""
    seen = {}
    for kind in union.MODES:
        network = controls(folder, {kind: folder / "union", "depth": folder / "union"})[kind]
        hint = network.prepare(torch.linspace(0, 1, 64 * 64).reshape(1, 1, 64, 64), None)
        shown: dict[str, Any] = network._shown(hint.values)
        assert shown["control_type"].argmax().item() == shown["control_type_idx"][0] == union.MODES[kind]
        seen[kind] = shown["control_type_idx"][0]
    assert len(set(seen.values())) == 3
    before = paint(folder)
    monkeypatch.setitem(union.MODES, "depth", union.MODES["canny"])
    assert not np.array_equal(paint(folder), before)


@pytest.mark.full
def test_edges_may_be_seen_by_it_beside_depth_and_it_is_in_memory_once(folder: Path, tmp_path: Path) -> None:
    seen = paint(folder, also=f"canny={folder / 'union'}")
    assert not np.array_equal(seen, paint(folder))
    shutil.copytree(folder / "union", tmp_path / "another")
    assert np.array_equal(seen, paint(folder, also=f"canny={tmp_path / 'another'}"))
    both = controls(folder, {"depth": folder / "union", "canny": folder / "union"})
    assert both["depth"]._network is both["canny"]._network


def test_it_is_refused_for_another_family(folder: Path, tmp_path: Path) -> None:
    other = save_model(tmp_path / "sd15", "sd15")
    with pytest.raises(ModelError) as refused:
        paint(folder, model=str(other))
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE


def test_in_one_file_it_is_refused_by_its_name(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "union.safetensors"
    shutil.copy(folder / "union" / "diffusion_pytorch_model.safetensors", file)
    with pytest.raises(ModelError, match="a union control network") as refused:
        paint(folder, control=str(file))
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE
