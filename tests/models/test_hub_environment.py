"""Variables of the environment that are no numbers: libraries would fail while they are imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.models.hub_files import SECONDS, require_sound_environment

COMMANDS = (
    ["models", "list"],
    ["models", "pull", "sd15"],
    ["generate", "d.npy", "a ball", "--model", "sd15"],
    ["generate", "d.npy", "a ball", "--model", "sd15", "--dry-run"],
    ["generate", "d.npy", "a ball", "--from-photo", "--estimator", "depth-anything-v2-small"],
)


@pytest.mark.full
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", ["HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"])
def test_commands_name_the_variable(tmp_path: Path, command: list[str], name: str) -> None:
    from PIL import Image

    np.save(tmp_path / "d.npy", np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64))
    Image.new("RGB", (64, 64), (90, 120, 40)).save(tmp_path / "d.png")
    if "--from-photo" in command:
        command = [word.replace("d.npy", "d.png") for word in command]
    done = subprocess.run(
        [sys.executable, "-m", "depthpaint", *command],
        cwd=tmp_path, env={**os.environ, name: "abc", "HF_HUB_OFFLINE": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert f"error: the environment variable {name} is 'abc'" in done.stderr


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("value", ["abc", "1.5", "-1", "1e3", "9" * 5000, "1000001"])
def test_what_is_no_number_of_seconds_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ParameterError, match=name) as refused:
        require_sound_environment()
    assert refused.value.code is ErrorCode.INVALID_PARAMETER
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("value", ["", "0", " 30 ", "1000000"])
def test_seconds_are_taken(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", value)
    require_sound_environment()
