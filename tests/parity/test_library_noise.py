"""With -q nothing is told but errors: the libraries that paint say nothing either."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_sd import save_control, save_model

from depthpaint.models.stable_diffusion.find import VERBOSITY

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.full
@pytest.mark.parametrize("wanted", [False, True], ids=["quiet", "asked to talk"])
def test_the_libraries_talk_only_where_they_are_asked_to(tmp_path: Path, wanted: bool) -> None:
    save_control(tmp_path / "control", save_model(tmp_path / "model", "sd15"))
    np.save(tmp_path / "depth.npy", np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64))
    around = {name: value for name, value in os.environ.items() if name not in VERBOSITY}
    done = subprocess.run(
        [
            sys.executable, "-m", "depthpaint", "generate", "depth.npy", "a house " * 100, "-q",
            "--near", "white", "--size", "64x64", "--steps", "1", "--model", "model", "--control", "control",
            "--device", "cpu", "--precision", "bf16",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=True,
        env=around | ({VERBOSITY[0]: "info"} if wanted else {}),
    )  # fmt: skip
    assert (done.stderr == "") == (not wanted), done.stderr
