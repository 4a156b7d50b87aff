"""A setting is written once: every field is a flag, a column, in the record, the recipe and the docs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from depthpaint.batch.job import parse_row
from depthpaint.batch.rows import Row
from depthpaint.cli import generate as command
from depthpaint.cli.main import run
from depthpaint.core.geometry import Extent
from depthpaint.core.setting import Default, settings_of
from depthpaint.engine import Engine
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.plan import make_plan
from depthpaint.record.result import record_of
from depthpaint.record.run_record import RunRecord
from depthpaint.report.recipe import recipe
from depthpaint.request import Request, Settings, request_from
from fake_painter import FakePainter, offering
from painted import HABITS, result_of

SAMPLES: dict[str, object] = {
    "negative_prompt": "rain", "seed": 7, "size": "96x64", "fit": "crop", "finish": False, "expand": False,
    "num_inference_steps": 9, "guidance_scale": 3.5, "guidance_window": "0:0.5", "sampler": "euler",
    "schedule": "karras", "control_strength": 0.5, "control_window": "0.1:0.6", "profile": "zoe",
    "model": "sd15", "control": "org/net", "lora": "style.safetensors:0.25", "vae": "vae.safetensors",
    "clip_skip": 1, "safety_checker": True, "also": "canny:0.5", "near": "white", "kind": "distance",
    "unit": "mm", "colour_map": "turbo", "range": "0.5:12", "holes": "far", "empty": "0,65535",
    "frame": "0,0,48,40", "part": "depth", "deband": True, "from_photo": "diorama-depth", "alpha_mask": True,
    "allow_constant": True, "count": 2, "aspect": "5:3", "max_pixels": 1000,
    "frame_index": 3, "flip": True, "init": "start.png", "denoise": 0.3,
}  # fmt: skip
"""A value other than the default for every setting: a new setting needs one here."""
ASKED_ALONE = {"count", "aspect", "max_pixels"}
"""Settings of a request that no single picture has: how many pictures, a size in other words, a limit."""
FIELDS = settings_of(Request)


def test_every_setting_has_a_sample() -> None:
    assert SAMPLES.keys() == FIELDS.keys()
    assert set(settings_of(Settings)) == FIELDS.keys() - ASKED_ALONE
    assert set(Request.model_fields) == {*FIELDS, "depth", "prompt"}


@pytest.mark.parametrize("name", FIELDS)
def test_a_setting_is_explained_and_has_a_default(name: str) -> None:
    setting = FIELDS[name]
    assert setting.help.endswith(".") and setting.help[0].isupper() and setting.panel
    assert setting.default is not Default.NONE
    if setting.default is Default.OF_MODEL and not setting.rule:
        assert hasattr(DIORAMA, name)
    request = request_from({"depth": "d.png", "prompt": "x", name: SAMPLES[name]})
    assert getattr(request, name) not in (None, setting.default), "the sample is not the default"


@pytest.mark.parametrize("name", FIELDS)
def test_a_setting_is_a_flag_and_a_column(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Request] = []

    def caught(request: Request, *_: object, **__: object) -> None:
        asked.append(request)

    monkeypatch.setattr(command, "_print_plan", caught)
    flag, value = FIELDS[name].flag_of(name), SAMPLES[name]
    word = (flag if value else f"--no-{flag[2:]}") if isinstance(value, bool) else f"{flag}={value}"
    assert run(["generate", "d.png", "x", word, "--dry-run"]) == 0
    row = Row(2, {"depth": "d.png", "prompt": "x", name: str(value)})
    (request,) = asked
    assert getattr(request, name) == getattr(parse_row(row, Path(), {}).request, name)
    assert request == request_from({"depth": "d.png", "prompt": "x", name: value})


@pytest.mark.parametrize("name", sorted(set(FIELDS) - ASKED_ALONE))
def test_a_setting_is_in_the_record_and_in_the_recipe(name: str) -> None:
    record = record_of(result_of(**{name: SAMPLES[name]}), 0)
    assert RunRecord.from_json(record.to_json()) == record
    assert json.loads(record.to_json())["settings"][name] is not None
    again = record.request(Path("d.png"))
    request = request_from({"depth": "d.png", "prompt": "x", name: SAMPLES[name]})
    assert getattr(again, name) == getattr(request, name)
    words = shlex.split(recipe(record))
    flag = FIELDS[name].flag_of(name)
    assert [word for word in words if word.split("=")[0] in (flag, f"--no-{flag[2:]}")]


def test_a_default_that_is_written_out_changes_nothing() -> None:
    literal = {
        name: setting.default
        for name, setting in FIELDS.items()
        if not isinstance(setting.default, Default) and name != "aspect"
    }
    plain = Request(depth=Path("d.png"), prompt="x")
    full = Request.model_validate({"depth": Path("d.png"), "prompt": "x", **literal})
    assert make_plan(plain, Extent(64, 48), HABITS) == make_plan(full, Extent(64, 48), HABITS)


@pytest.mark.parametrize("tries", [1, 4])
def test_a_depth_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: int) -> None:
    from depthpaint.depth import read
    from depthpaint.verification.choosing import Requirement, choose
    from fake_painter import FakeEstimator

    np.save(tmp_path / "d.npy", np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64))
    reads: list[object] = []
    decode = read.decode

    def counted(*values: object) -> object:
        reads.append(values)
        return decode(*values)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(read, "decode", counted)
    engine = Engine(find=offering(FakePainter()), load_estimator=FakeEstimator)
    request = Request(depth=tmp_path / "d.npy", prompt="x", near="white")
    choose(engine, request, Requirement(tries=tries, least=2.0))
    assert len(reads) == 1
