"""The snippets of docs/how-to/server.md, run against a server process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from depthpaint.record.picture_file import read_record
from server.process import serving

pytestmark = [
    pytest.mark.full,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.skipif(sys.platform == "win32", reason="a shell's commands"),
]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "server.md").read_text(encoding="utf-8")


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_every_snippet_paints_a_picture(tmp_path: Path) -> None:
    with serving(tmp_path / "out") as server:
        port = server.url.rpartition(":")[2]
        (tmp_path / "examples").symlink_to(ROOT / "examples")
        scripts = [each for each in snippets("python") if "webuiapi" not in each or find_spec("webuiapi")]
        assert len(scripts) >= 2
        for script in scripts:
            run([sys.executable, "-c", script.replace("7860", port)], tmp_path)
        (curl,) = (each for each in snippets("bash") if "curl" in each)
        run(["bash", "-ec", curl.replace("7860", port)], tmp_path)
    assert read_record(tmp_path / "house.png").settings.prompt == "a red house"
    assert read_record(tmp_path / "house-1.png").settings.prompt == "a red house"


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=dict(os.environ), timeout=120
    )
    assert done.returncode == 0, done.stderr
