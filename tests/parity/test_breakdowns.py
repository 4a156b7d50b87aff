"""Too little memory and numbers out of range: what is done, that it is told, and that the picture stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from tiny_sd import save_control, save_model

from depthpaint.core.errors import ErrorCode, ModelError, OutOfMemory, ParameterError
from depthpaint.engine import Engine
from depthpaint.models.painter import Precision, Runtime
from depthpaint.models.stable_diffusion.device import chosen_device, chosen_precision
from depthpaint.record.result import Result
from depthpaint.request import Request

pytestmark = pytest.mark.filterwarnings("ignore")

UNet = diffusers.UNet2DConditionModel
Vae = diffusers.AutoencoderKL


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sd")
    save_control(folder / "control", save_model(folder / "model", "sd15"))
    np.save(folder / "depth.npy", np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64))
    return folder


def paint(folder: Path, precision: Precision = "fp32") -> Result:
    request = Request(
        depth=folder / "depth.npy", near="white", kind="disparity", prompt="a red house", size=(64, 64),
        num_inference_steps=2, model=str(folder / "model"), control=str(folder / "control"),
    )  # fmt: skip
    return Engine(runtime=Runtime("cpu", precision)).paint(request)


def spoiled(
    monkeypatch: pytest.MonkeyPatch, owner: type, method: str, spoil: Callable[[Any, Any], Any]
) -> None:
    """Let `spoil` see the owner and what a method answers, and put something else in its place."""
    real = getattr(owner, method)

    def instead(self: Any, *arguments: Any, **more: Any) -> Any:
        return spoil(self, real(self, *arguments, **more))

    monkeypatch.setattr(owner, method, instead)


@pytest.mark.full
def test_short_memory_paints_one_branch_at_a_time(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = paint(model)

    def only_one(_: Any, answer: Any) -> Any:
        if len(answer[0]) > 1:
            raise torch.OutOfMemoryError("no more")
        return answer

    spoiled(monkeypatch, UNet, "forward", only_one)
    saved = paint(model)
    difference = np.abs(saved.pictures[0].pixels.astype(int) - whole.pictures[0].pixels.astype(int))
    assert difference.max() <= 1
    assert any("one branch of guidance at a time" in warning for warning in saved.warnings)


def test_where_nothing_helps_it_says_so(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: Any, answer: Any) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    spoiled(monkeypatch, UNet, "forward", never)
    with pytest.raises(OutOfMemory, match="--size") as caught:
        paint(model)
    assert caught.value.code is ErrorCode.OUT_OF_MEMORY


@pytest.mark.full
def test_a_picture_is_decoded_in_tiles(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_tiles(vae: Any, answer: Any) -> Any:
        if not vae.use_tiling:
            raise torch.OutOfMemoryError("no more")
        return answer

    spoiled(monkeypatch, Vae, "decode", only_tiles)
    assert any("decoded in tiles" in warning for warning in paint(model).warnings)


@pytest.mark.full
def test_colours_that_overflow_are_decoded_again(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(vae: Any, answer: Any) -> Any:
        return (answer[0] * float("nan"),) if vae.dtype == torch.float16 else answer

    spoiled(monkeypatch, Vae, "decode", overflow)
    result = paint(model, "fp16")
    assert any("decoded again in float32" in warning for warning in result.warnings)
    assert result.pictures[0].pixels.std() > 0


@pytest.mark.full
def test_numbers_that_overflow_are_painted_again(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(unet: Any, answer: Any) -> Any:
        return (answer[0] * float("nan"),) if unet.dtype == torch.bfloat16 else answer

    spoiled(monkeypatch, UNet, "forward", overflow)
    result = paint(model, "bf16")
    assert any("painted again in float32" in warning for warning in result.warnings)
    assert result.runs_on["precision"] == "float32"
    difference = result.pictures[0].pixels.astype(int) - paint(model).pictures[0].pixels.astype(int)
    assert np.abs(difference).max() <= 3, "text and hint were made in bfloat16"


@pytest.mark.full
def test_nonsense_is_no_picture(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoiled(monkeypatch, UNet, "forward", lambda _, answer: (answer[0] * float("nan"),))
    with pytest.raises(ModelError, match="no colours") as caught:
        paint(model, "bf16")
    assert (caught.value.code, caught.value.exit_status) == (ErrorCode.MODEL_INCOMPATIBLE, 5)


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ParameterError, match=r"--device (mps|cpu)"):
        chosen_device("cuda")


@pytest.mark.parametrize(
    ("device", "capability", "expected"),
    [
        ("cpu", (0, 0), torch.float32), ("mps", (0, 0), torch.float16), ("cuda", (7, 5), torch.float16),
        ("cuda", (8, 0), torch.bfloat16), ("cuda", (9, 0), torch.bfloat16),
    ],
)  # fmt: skip
def test_precision_suits_the_device(
    device: str, capability: tuple[int, int], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert chosen_precision("auto", device) is expected
    assert chosen_precision("fp32", device) is torch.float32
