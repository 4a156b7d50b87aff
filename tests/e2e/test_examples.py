"""The scripts and the notebook in examples/ run, and do what they say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.parametrize("name", IN_BLENDER)
def test_a_script_for_blender_is_python(name: str) -> None:
    compile((FOLDER / name).read_text(encoding="utf-8"), name, "exec")


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
