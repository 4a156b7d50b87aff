"""`depthpaint.paint`, what it returns, and what its record says of a depth map that was no file."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import depthpaint
from depthpaint.cli.main import run
from depthpaint.core.errors import ErrorCode
from depthpaint.engine import Engine
from depthpaint.picture import Progress
from depthpaint.record.picture_file import read_record
from fake_painter import FakePainter, offering

RAMP = np.linspace(1, 5, 60 * 80, dtype=np.float32).reshape(60, 80)


def paint(depth: Any = RAMP, prompt: Any = "a red ball", **settings: Any) -> depthpaint.Result:
    settings = {"engine": Engine(offering(FakePainter())), "near": "white", **settings}
    return depthpaint.paint(depth, prompt, **settings)


def test_array_file_and_depth_map_give_one_picture(tmp_path: Path) -> None:
    np.save(tmp_path / "depth.npy", RAMP)
    depth = depthpaint.read_depth(RAMP, near="white")
    pictures = [
        paint(source).pictures[0].pixels for source in (RAMP, tmp_path / "depth.npy", RAMP[..., None])
    ]
    pictures.append(paint(depth, near=None).pictures[0].pixels)
    assert all(np.array_equal(pictures[0], other) for other in pictures)
    assert not np.array_equal(pictures[0], paint(near="black").pictures[0].pixels)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sed": 7}, "no field 'sed', did you mean 'seed'"), ({"seed": "seven"}, "seed: must be"),
        ({"seed": -1}, "seed: must be"), ({"size": (0, 5)}, "size: each side"),
        ({"fit": "zoom"}, "fit: must"),
        ({"prompt": None}, "prompt: must be"), ({"prompt": 5}, "prompt: must be"),
        ({"prompt": "a\0b"}, "prompt: text must not"), ({"count": True}, "count: true and false"),
        ({"control_window": "x"}, "control_window: a window"), ({"size": "64x64", "aspect": 2}, "exclude"),
        ({"engine": "diorama"}, "engine has the type str"), ({"model": 7}, "model: must be"),
        ({"sampler": "magic"}, "magic"), ({"near": "left"}, "near: must be"),
    ],
)  # fmt: skip
def test_an_impossible_setting_is_a_parameter_error(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(depthpaint.ParameterError, match=message) as refused:
        paint(**settings)
    assert refused.value.code is ErrorCode.INVALID_PARAMETER
    assert refused.value.remedy


@pytest.mark.parametrize("act", [depthpaint.read_depth, depthpaint.inspect])
def test_an_unknown_word_about_the_numbers_is_a_parameter_error(act: Any) -> None:
    with pytest.raises(depthpaint.ParameterError, match="did you mean 'near'") as refused:
        act(RAMP, neer="white")
    assert "ReadingSettings" in refused.value.remedy
    with pytest.raises(depthpaint.ParameterError, match="unit: must be"):
        act(RAMP, unit="miles")


def test_a_depth_map_that_is_read_cannot_be_read_differently() -> None:
    depth = depthpaint.read_depth(RAMP, near="white")
    with pytest.raises(depthpaint.ParameterError, match="near and unit cannot be given") as refused:
        paint(depth, near="black", unit="m")
    assert refused.value.value == ("near", "unit")
    uncertain = Engine().read(np.random.default_rng(0).random((64, 64)), depth.source.reading.__class__())
    with pytest.raises(depthpaint.DepthError) as ambiguous:
        paint(uncertain, near=None)
    assert ambiguous.value.code is ErrorCode.DEPTH_AMBIGUOUS


def test_the_arrays_of_a_map_that_is_read_are_the_users_own(tmp_path: Path) -> None:
    np.save(tmp_path / "depth.npy", RAMP)
    engine = Engine(offering(FakePainter()))
    before = paint(tmp_path / "depth.npy", engine=engine)
    depthpaint.read_depth(tmp_path / "depth.npy", near="white").values[:] = 0
    assert np.array_equal(
        before.pictures[0].pixels, paint(tmp_path / "depth.npy", engine=engine).pictures[0].pixels
    )


def test_the_default_engine_keeps_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    painter = FakePainter()
    monkeypatch.setattr("depthpaint.api._ENGINE", Engine(offering(painter)))
    for _ in range(2):
        depthpaint.paint(RAMP, "a red ball", near="white")
    assert painter.calls["encode_text"] == 2, "prompt and negative prompt, once"


def test_progress_is_called_and_may_end_the_run() -> None:
    steps: list[int] = []

    def listen(progress: Progress) -> None:
        steps.append(progress.step)
        if len(steps) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        paint(num_inference_steps=4, on_progress=listen)
    assert steps == [1, 2]


def test_images_carry_the_record() -> None:
    result = paint(count=2)
    assert [image.info["depthpaint"] for image in result.images] == [r.to_json() for r in result.records]
    assert np.array_equal(np.asarray(result.images[1]), result.pictures[1].pixels)
    assert result.images[0].mode == "RGB"
    assert result.record == result.records[0]
    assert [record.settings.seed for record in result.records] == [12345, 12346]
    json.dumps(result.record.model_dump(mode="json"))


def names(paths: Sequence[Path]) -> list[str]:
    return [path.name for path in paths]


def test_saving_takes_free_names_and_keeps_what_is_there(tmp_path: Path) -> None:
    result = paint(count=2)
    first, again = result.save(tmp_path / "new" / "folder"), result.save(str(tmp_path / "new" / "folder"))
    assert names(first) == ["a-red-ball-12345.png", "a-red-ball-12346.png"]
    assert names(again) == ["a-red-ball-12345-2.png", "a-red-ball-12346-2.png"]
    for path, record in zip(first, result.records, strict=True):
        assert read_record(path) == record


def test_saving_under_a_name_that_is_taken_writes_nothing(tmp_path: Path) -> None:
    result = paint(count=2)
    (tmp_path / "ball-2.png").write_text("mine")
    with pytest.raises(depthpaint.OutputError, match=r"ball-2\.png already exists") as refused:
        result.save(tmp_path, name="ball")
    assert refused.value.code is ErrorCode.OUTPUT_EXISTS
    assert names(list(tmp_path.iterdir())) == ["ball-2.png"]
    assert (tmp_path / "ball-2.png").read_text() == "mine"
    (tmp_path / "ball-2.png").unlink()
    paths = result.save(tmp_path, name="ball.png", sidecar=True)
    assert names(paths) == ["ball-1.png", "ball-2.png"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "ball-1.png", "ball-1.json", "ball-2.png", "ball-2.json",
    }  # fmt: skip
    (single,) = paint().save(tmp_path, name="ball")
    assert single.name == "ball.png"
    with pytest.raises(depthpaint.OutputError) as escaped:
        result.save(tmp_path, name="../ball")
    assert escaped.value.code is ErrorCode.OUTPUT_PATH_ESCAPE


def test_a_sidecar_in_the_way_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "ball-2.json").write_text("mine")
    with pytest.raises(depthpaint.OutputError, match=r"ball-2\.json already exists"):
        paint(count=2).save(tmp_path, name="ball", sidecar=True)
    assert names(list(tmp_path.iterdir())) == ["ball-2.json"]


def test_the_record_says_that_the_depth_map_was_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = io.BytesIO()
    np.save(data, RAMP)
    for source, name in ((RAMP, "<array>"), (data.getvalue(), "<bytes>"), (Image.fromarray(RAMP), "<image>")):
        record = paint(source).record
        assert record.depth.file == name
        assert record.digests.depth == hashlib.sha256(data.getvalue()).hexdigest()


@pytest.mark.full
def test_replaying_a_picture_of_an_array_asks_for_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (path,) = depthpaint.paint(RAMP, "a red ball", near="white", size=(64, 48)).save(tmp_path)
    assert run(["replay", str(path)]) == 3
    error = capsys.readouterr().err
    assert "was an array in memory, not a file" in error and "numpy.save" in error and "--depth" in error
    np.save("depth.npy", RAMP)
    assert run(["replay", str(path), "--depth", "depth.npy"]) == 0
    assert "bit-equal" in capsys.readouterr().out
