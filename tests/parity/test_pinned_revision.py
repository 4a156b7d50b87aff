"""A revision that is named is the one that is fetched, painted with, recorded and painted with again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback_hub import COMMIT, Hub, connect_to, empty_cache, serving
from tiny_sd import save_control, save_model

from depthpaint.cli.main import run
from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.models.hub_files import HubPart
from depthpaint.models.painter import Runtime
from depthpaint.models.stable_diffusion.presets import PRESETS
from depthpaint.record.result import record_of, save_picture
from depthpaint.request import Request

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.allow_hosts(["127.0.0.1"])]
BASE, CONTROL = "somebody/base", "somebody/control"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    save_control(folder / "control", save_model(folder / "base", "sd15"))
    return folder


@pytest.fixture
def server(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    empty_cache(tmp_path / "home" / "hub", monkeypatch)
    monkeypatch.chdir(tmp_path)
    np.save("depth.npy", np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64))
    with serving(published) as (handler, address):
        connect_to(address, monkeypatch)
        yield handler


def paint(model: str, control: str) -> Any:
    request = Request(
        depth=Path("depth.npy"), near="white", kind="disparity", prompt="a", size=(64, 64), model=model,
        control=control, num_inference_steps=2,
    )  # fmt: skip
    return Engine(runtime=Runtime("cpu")).paint(request)


@pytest.mark.full
def test_it_is_fetched_painted_with_recorded_and_painted_with_again(
    server: type[Hub], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (f"{BASE}@v1.1", f"{CONTROL}@v2"):
        assert run(["models", "pull", name, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)["parts"][0]
        assert f"{told['repository']}@{told['revision']}" == name
    assert any(f"{BASE}/revision/v1.1" in path for path in server.asked)
    assert not any("/main" in path for path in server.asked)
    count = len(server.asked)
    result = paint(f"{BASE}@v1.1", f"{CONTROL}@v2")
    settings = record_of(result, 0).settings
    assert (settings.model, settings.control) == (f"{BASE}@v1.1", f"{CONTROL}@v2")
    assert result.plan.model == f"{BASE}@v1.1"
    assert run(["models", "verify", f"{BASE}@v1.1"]) == 0
    assert run(["replay", str(save_picture(result, 0, tmp_path).path), "--device", "cpu"]) == 0
    assert "bit-equal" in capsys.readouterr().out
    # A commit names what was fetched, however it was asked for.
    assert paint(f"{BASE}@{COMMIT}", f"{CONTROL}@{COMMIT}").weights_sha256 == result.weights_sha256
    assert len(server.asked) == count, "painting asks nobody"


@pytest.mark.full
def test_what_was_not_pinned_is_recorded_with_its_commit(
    server: type[Hub], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (BASE, CONTROL):
        assert run(["models", "pull", name, "-q"]) == 0
    result = paint(BASE, CONTROL)
    told = record_of(result, 0).environment
    assert {name: told[f"revision of {name}"] for name in (BASE, CONTROL)} == dict.fromkeys(
        (BASE, CONTROL), COMMIT
    )
    picture = str(save_picture(result, 0, tmp_path).path)
    cached = tmp_path / "home" / "hub" / "models--somebody--base"
    (cached / "snapshots" / COMMIT).rename(cached / "snapshots" / ("f" * 40))
    (cached / "refs" / "main").write_text("f" * 40)
    capsys.readouterr()
    assert run(["replay", picture, "--device", "cpu"]) == 0
    assert f"revision of {BASE} ({COMMIT} before, {'f' * 40} now)" in capsys.readouterr().out


def test_another_revision_than_the_one_that_is_here_is_missing(server: type[Hub]) -> None:
    for name in (f"{BASE}@v1.1", CONTROL):
        assert run(["models", "pull", name, "-q"]) == 0
    for name in (f"{BASE}@v1.2", BASE):
        with pytest.raises(ModelError) as refused:
            paint(name, CONTROL)
        assert refused.value.code is ErrorCode.OFFLINE_MISSING
        assert f"depthpaint models pull {name} " in str(refused.value)


def test_a_revision_that_there_is_not_is_named(server: type[Hub], capsys: pytest.CaptureFixture[str]) -> None:
    server.trouble = "RevisionNotFound"
    assert run(["models", "pull", f"{BASE}@v9"]) == 5
    assert "no revision v9" in capsys.readouterr().err


def test_a_presets_part_may_be_pinned(server: type[Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    weights = ("diffusion_pytorch_model.safetensors",)
    halves = tuple(f"{name}/{weights[0]}" for name in ("unet", "vae"))
    base = HubPart(BASE, 1, "MIT", (*halves, "text_encoder/model.safetensors"), revision=COMMIT)
    tiny = replace(PRESETS["sd15"], base=base, control=HubPart(CONTROL, 1, "MIT", weights, revision="v2"))
    monkeypatch.setitem(PRESETS, "tiny", tiny)
    assert run(["models", "pull", "tiny", "-q"]) == 0
    assert not any("/main" in path for path in server.asked)
    assert run(["models", "verify", "tiny"]) == 0
    monkeypatch.setitem(PRESETS, "tiny", replace(tiny, base=replace(base, revision="a" * 40)))
    assert run(["models", "verify", "tiny"]) == 5
