"""What a single checkpoint predicts is told by its marks; where none does, the assumption is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from depthpaint.models.stable_diffusion.file_family import habits_of_file, kind_of

FIRST = "model.diffusion_model.input_blocks.0.0.weight"
TEXT = {
    "sd15": ["cond_stage_model.transformer.a"], "sd21": ["cond_stage_model.model.a"],
    "sdxl": ["conditioner.embedders.0.a", "conditioner.embedders.1.a"],
}  # fmt: skip


def write(
    file: Path, family: str, *marks: str, texts: dict[str, str] | None = None, channels: int = 4
) -> Path:
    tensors = {name: np.zeros(1, np.float32) for name in TEXT[family]}
    tensors |= {name: np.zeros(0, np.float32) for name in marks}
    save_file(tensors | {FIRST: np.zeros((2, channels, 3, 3), np.float32)}, file, texts)
    return file


@pytest.mark.parametrize(
    ("family", "marks", "texts", "yaml", "expected"),
    [
        ("sd15", (), {}, "", ("sd15", "epsilon", False)),
        ("sd15", (), {}, "  parameterization: v", ("sd15", "v_prediction", False)),
        ("sdxl", (), {}, "", ("sdxl", "epsilon", False)),
        ("sdxl", ("v_pred",), {}, "", ("sdxl", "v_prediction", False)),
        ("sdxl", ("v_pred", "ztsnr"), {}, "", ("sdxl", "v_prediction", True)),
        ("sdxl", (), {"modelspec.prediction_type": "v"}, "", ("sdxl", "v_prediction", False)),
        ("sd21", (), {"modelspec.prediction_type": "epsilon"}, "", ("sd21-base", "epsilon", False)),
        (
            "sd21", (), {"modelspec.architecture": "stable-diffusion-v2-512"}, "",
            ("sd21-base", "epsilon", False),
        ),
        (
            "sd21", (), {"modelspec.architecture": "stable-diffusion-v2-768-v"}, "",
            ("sd21", "v_prediction", False),
        ),
        ("sd21", (), {}, "    parameterization: \"v\"", ("sd21", "v_prediction", False)),
        ("sd21", (), {}, "    parameterization: eps", ("sd21-base", "epsilon", False)),
        ("sd21", (), {}, "target: ldm.models.diffusion.ddpm.Latent", ("sd21-base", "epsilon", False)),
    ],
)  # fmt: skip
def test_marks_are_read(
    tmp_path: Path,
    family: str,
    marks: tuple[str, ...],
    texts: dict[str, str],
    yaml: str,
    expected: tuple[str, str, bool],
) -> None:
    file = write(tmp_path / "one.safetensors", family, *marks, texts=texts)
    if yaml:
        (tmp_path / "one.yaml").write_text(f"model:\n{yaml}\n")
    habits = habits_of_file(file, "one")
    assert (kind_of(file).family, habits.prediction, habits.zero_terminal_snr) == expected
    assert kind_of(file).doubt == ""


@pytest.mark.parametrize("yaml", ["", "parameterization: x0", "something: else"])
def test_what_is_assumed_is_said(tmp_path: Path, yaml: str) -> None:
    file = write(tmp_path / "one.safetensors", "sd21")
    if yaml:
        (tmp_path / "one.yaml").write_text(yaml)
    kind = kind_of(file)
    assert kind.family == "sd21"
    assert "one.yaml" in kind.doubt
    assert "\n" not in kind.doubt
    assert (habits_of_file(file, "one").trained_area, habits_of_file(file, "one").prediction) == (
        768 * 768,
        "v_prediction",
    )


def test_depth_in_the_fifth_channel_is_certain(tmp_path: Path) -> None:
    kind = kind_of(write(tmp_path / "one.safetensors", "sd21", channels=5))
    assert (kind.family, kind.doubt) == ("sd2-depth", "")
