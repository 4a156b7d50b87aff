"""A model's safety checker: what it refuses is told apart from failure, and not saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from safetensors.torch import load_file
from tiny_checker import LEVEL, save_checker
from tiny_sd import save_control, save_model
from transformers import CLIPImageProcessor

from depthpaint.cli.main import run
from depthpaint.core.errors import ErrorCode, ModelError, PictureRefused
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime
from depthpaint.models.stable_diffusion.device import SafetyChecker
from depthpaint.models.stable_diffusion.folder import load_part
from depthpaint.models.stable_diffusion.folder_parts import CHECKER, IMAGE_PROCESSOR
from depthpaint.record.result import record_of
from depthpaint.request import Request

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    save_control(tmp_path / "control", save_model(tmp_path / "model", "sd15"))
    np.save(tmp_path / "depth.npy", np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paint(**more: Any) -> Any:
    request = Request(
        depth=Path("depth.npy"), near="white", kind="disparity", prompt="a red house", size=(64, 64),
        num_inference_steps=2, model="model", control="control", **more,
    )  # fmt: skip
    return Engine(runtime=Runtime("cpu", "fp32")).paint(request)


def generate(*more: str) -> int:
    return run([
        "generate", "depth.npy", "a red house", "--near", "white", "--kind", "disparity", "--size", "64x64",
        "--steps", "2", "--model", "model", "--control", "control", "--device", "cpu",
        "--safety-checker", *more,
    ])  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("more", [(), ("--preview-every", "1"), ("--count", "2")], ids=str)
def test_what_it_refuses_is_an_error_of_its_own_and_nothing_is_saved(
    folder: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    save_checker(folder / "model", refuses=True)
    assert generate(*more) == 8
    told = capsys.readouterr()
    assert (told.out, "the model's safety checker rejected the picture" in told.err) == ("", True)
    assert "Traceback" not in told.err
    assert "NSFW" not in told.err
    assert not [*folder.rglob("*.png"), *folder.rglob("*.json.tmp")]
    with pytest.raises(PictureRefused) as refused:
        paint(safety_checker=True)
    assert refused.value.code is ErrorCode.PICTURE_REFUSED


@pytest.mark.full
def test_what_it_lets_pass_is_the_same_picture_and_recorded_as_looked_at(folder: Path) -> None:
    save_checker(folder / "model", refuses=False)
    assert generate() == 0
    checked, plain = paint(safety_checker=True), paint()
    assert np.array_equal(checked.pictures[0].pixels, plain.pictures[0].pixels)
    assert checked.weights_sha256 == plain.weights_sha256
    told = [record_of(result, 0) for result in (checked, plain)]
    assert [record.settings.safety_checker for record in told] == [True, False]
    assert told[0].request(folder / "depth.npy").safety_checker


def test_it_is_off_unless_it_is_asked_for(folder: Path) -> None:
    save_checker(folder / "model", refuses=True)
    assert paint().pictures


def test_it_sees_what_the_pipelines_show_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scores are those of the published network, on the published eyes' view of the same pixels."""
    model = save_checker(folder / "model", refuses=False)
    network = load_part(model / "safety_checker", CHECKER, "cpu", torch.float32)
    checker = SafetyChecker(
        network, load_part(model / "feature_extractor", IMAGE_PROCESSOR, "cpu", torch.float32)
    )
    seen: list[torch.Tensor] = []
    forward = StableDiffusionSafetyChecker.forward

    def keep(self: Any, clip_input: torch.Tensor, images: Any) -> Any:
        seen.append(clip_input)
        return forward(self, clip_input, images)

    monkeypatch.setattr(StableDiffusionSafetyChecker, "forward", keep)
    picture = np.random.default_rng(1).random((40, 50, 3), dtype=np.float32)
    checker.require_safe(picture)
    eyes: Any = CLIPImageProcessor.from_pretrained(str(model / "feature_extractor"))
    wanted = eyes([(picture * 255).round().astype(np.uint8)], return_tensors="pt").pixel_values
    assert torch.equal(seen[0], wanted)
    checker.require_safe(np.full((8, 8, 3), np.nan, np.float32))
    assert len(seen) == 1, "what is no picture yet is not looked at"


def test_its_weights_are_those_of_the_file(folder: Path) -> None:
    place = save_checker(folder / "model", refuses=False) / "safety_checker"
    network = load_part(place, CHECKER, "cpu", torch.float32)
    published = load_file(place / "model.safetensors")
    for name, its in network.state_dict().items():
        level = LEVEL if name.startswith(LEVEL) and LEVEL + name in published else ""
        assert torch.equal(its, published[level + name]), name


def test_where_there_is_none_the_model_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="contains no safety checker") as refused:
        paint(safety_checker=True)
    assert refused.value.code is ErrorCode.MODEL_NOT_FOUND


def test_a_class_that_is_not_on_the_list_is_not_built(folder: Path) -> None:
    index = save_checker(folder / "model", refuses=False) / "model_index.json"
    for name in ("safety_checker", "feature_extractor"):
        whole = json.loads(index.read_text())
        index.write_text(json.dumps(whole | {name: ["os", "system"]}))
        with pytest.raises(ModelError, match="not allowed"):
            paint(safety_checker=True)
        index.write_text(json.dumps(whole))


def test_a_pickle_is_not_read(folder: Path) -> None:
    weights = save_checker(folder / "model", refuses=False) / "safety_checker"
    (weights / "model.safetensors").rename(weights / "pytorch_model.bin")
    with pytest.raises(ModelError) as refused:
        paint(safety_checker=True)
    assert refused.value.code in (ErrorCode.PICKLE_REFUSED, ErrorCode.MODEL_INCOMPATIBLE)
