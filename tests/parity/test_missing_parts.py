"""A dry run refuses a model of which a part is missing, as painting does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_sd import save_control, save_model

from depthpaint.cli.main import run

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.full
@pytest.mark.parametrize("part", ["lora", "control", "vae", "model", "weights", "class", "judge"])
def test_generate_finds_parts_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("depth.npy", np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64))
    model = save_model(tmp_path / "model", "sd15")
    flags = {"model": str(model), "control": str(save_control(tmp_path / "control", model))}
    command = ["generate", "depth.npy", "a ball", "--out", "out", "--size", "64x64"]
    whole = [word for name, value in flags.items() for word in (f"--{name}", value)]
    assert run([*command, *whole, "--dry-run"]) == 0
    if part == "weights":
        (model / "unet/diffusion_pytorch_model.safetensors").unlink()
    elif part == "class":
        index = model / "model_index.json"
        index.write_text(index.read_text().replace("CLIPTextModel", "CLIPTextModel2"))
    else:
        flags["verify-with" if part == "judge" else part] = "gone.safetensors"
    command += [word for name, value in flags.items() for word in (f"--{name}", value)]
    ends: list[tuple[int, str]] = []
    for more in (["--dry-run"], []):
        capsys.readouterr()
        status = run([*command, *more])
        ends.append((status, capsys.readouterr().err.splitlines()[-1]))
    assert ends[0] == ends[1]
    assert ends[0][0] == 5
