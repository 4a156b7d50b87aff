"""The scripts and the notebook in examples/ run, and do what they say."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py"))
IN_BLENDER = ["blender_depth.py"]


def test_the_list_of_examples_is_complete() -> None:
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    files = [path.name for path in FOLDER.iterdir() if path.is_file() and path.name != "README.md"]
    assert [name for name in files if f"]({name})" not in listed] == []


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in IN_BLENDER])
def test_a_script_runs(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, FOLDER / name], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "DEPTHPAINT_CONFIG": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert list(tmp_path.glob("output_images/*.png"))


class FileSettings(SimpleNamespace):
    """As in Blender 5, the media type decides which file formats there are."""

    def __setattr__(self, name: str, value: object) -> None:
        multilayer = vars(self).get("media_type", "MULTI_LAYER_IMAGE") == "MULTI_LAYER_IMAGE"
        if (name, value) == ("file_format", "OPEN_EXR_MULTILAYER") and not multilayer:
            raise TypeError(f"{value} not found in ('PNG', 'OPEN_EXR')")
        super().__setattr__(name, value)


@pytest.mark.parametrize("version", [4, 5])
def test_the_script_for_blender_asks_for_the_depth(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = FileSettings(**({"media_type": "IMAGE"} if version == 5 else {}))
    scene = SimpleNamespace(cycles=SimpleNamespace(), render=SimpleNamespace(image_settings=settings))
    rendered: list[bool] = []

    def render(*, write_still: bool) -> None:
        rendered.append(write_still)

    blender = ModuleType("bpy")
    vars(blender).update(
        context=SimpleNamespace(scene=scene, view_layer=SimpleNamespace()),
        ops=SimpleNamespace(render=SimpleNamespace(render=render)),
    )
    monkeypatch.setitem(sys.modules, "bpy", blender)
    monkeypatch.setattr(sys, "argv", ["blender", "--", str(tmp_path / "depth.exr")])
    runpy.run_path(str(FOLDER / "blender_depth.py"), run_name="__main__")
    assert rendered == [True]
    assert vars(blender)["context"].view_layer.use_pass_z
    assert (settings.file_format, settings.color_depth) == ("OPEN_EXR_MULTILAYER", "32")
    assert scene.render.filepath == str((tmp_path / "depth.exr").resolve())


@pytest.mark.full
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = json.loads((FOLDER / "depthpaint.ipynb").read_text(encoding="utf-8"))
    assert all(not cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    shutil.copy(FOLDER / "house-in-the-forest.png", tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    assert Path(str(names["path"])).is_file()
