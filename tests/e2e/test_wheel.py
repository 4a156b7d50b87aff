"""The wheel, installed in an environment with nothing else, paints from any folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPTH = ROOT / "examples" / "house-in-the-forest.png"

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(pip, check=True, timeout=300)
    return next(folder.glob("depthpaint-*.whl"))


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command; its folder is not writable for anybody but root."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = [scripts / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel]
    subprocess.run(pip, check=True, timeout=600)
    return scripts / "depthpaint"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    shutil.copy(DEPTH, tmp_path / "depth.png")
    return tmp_path


def ran(program: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "LC_ALL": "C.UTF-8"}
    command = [str(program), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_wheel_holds_the_model_and_nothing_of_the_checkout(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "depthpaint/models/diorama/weights/diorama.safetensors" in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"depthpaint"}
    assert not [name for name in names if "test_" in name or name.endswith((".pyc", ".md"))]


def test_it_paints_and_paints_again_from_another_folder(program: Path, elsewhere: Path) -> None:
    painted = ran(program, elsewhere, "generate", "depth.png", "a red house", "--json")
    assert painted.returncode == 0, painted.stderr
    picture = json.loads(painted.stdout)["images"][0]["path"]
    again = ran(program, elsewhere, "replay", picture, "--json")
    assert json.loads(again.stdout)["images"][0]["verdict"] == "bit-equal", again.stderr
    assert ran(program, elsewhere, "verify", picture).returncode == 0
    (elsewhere / "rows.csv").write_text("depth,prompt\ndepth.png,a house\n")
    assert ran(program, elsewhere, "batch", "rows.csv", "--out", "batch").returncode == 0
    assert ran(program, elsewhere, "models", "verify", "diorama").returncode == 0
    assert ran(program, elsewhere, "doctor").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("report", "output_images", "--html"), "depthpaint[report]"),
        (("bench", "--vs", "diffusers"), "needs a checkout"),
        (("batch", "rows.csv", "--ray", "local"), "depthpaint[ray]"),
        (("batch", "rows.parquet"), "depthpaint[parquet]"),
    ],
)
def test_a_command_that_needs_more_names_the_extra(
    program: Path, elsewhere: Path, arguments: tuple[str, ...], extra: str
) -> None:
    (elsewhere / "output_images").mkdir()
    (elsewhere / "rows.csv").write_text("depth,prompt\ndepth.png,a house\n")
    (elsewhere / "rows.parquet").write_bytes(b"PAR1" + bytes(64) + b"PAR1")
    if arguments[0] == "report":
        assert ran(program, elsewhere, "generate", "depth.png", "a house").returncode == 0
    done = ran(program, elsewhere, *arguments)
    assert done.returncode not in (0, 1), done.stderr
    assert extra in done.stderr
    assert done.stderr.count("\n") <= 2
