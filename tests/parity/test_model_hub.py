"""Models from a hub on this machine: fetched, cut and resumed, checked, and painted with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from loopback_hub import Hub, connect_to, empty_cache, serving
from tiny_sd import save_control, save_model

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.inputs.request import GenerationRequest
from depthpaint.models import hub
from depthpaint.models.hub_part import HubPart
from depthpaint.models.runtime import Runtime
from depthpaint.models.stable_diffusion.checking import check
from depthpaint.models.stable_diffusion.preset import Preset
from depthpaint.models.stable_diffusion.presets import PRESETS

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.allow_hosts(["127.0.0.1"])]

BASE = HubPart("somebody/base", 1, "MIT", ("*/*.safetensors",))
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    save_control(folder / "control", save_model(folder / "base", "sd15"))
    return folder


@pytest.fixture
def server(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    empty_cache(tmp_path / "hub", monkeypatch)
    with serving(published) as (handler, address):
        connect_to(address, monkeypatch)
        yield handler


@pytest.fixture
def preset(monkeypatch: pytest.MonkeyPatch) -> Preset:
    sd15 = PRESETS["sd15"]
    habits = replace(sd15.habits, name="tiny", trained_area=64 * 64, smallest_area=1, num_inference_steps=2)
    control = HubPart("somebody/control", 1, "MIT", ("*.safetensors",))
    tiny = replace(sd15, habits=habits, base=BASE, control=control, also={})
    monkeypatch.setitem(PRESETS, "tiny", tiny)
    return tiny


def paint(folder: Path) -> None:
    np.save(folder / "depth.npy", np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64))
    request = GenerationRequest(
        depth=folder / "depth.npy", near="white", kind="disparity", prompt="a", model="tiny"
    )
    Engine(runtime=Runtime("cpu")).paint(request)


def fetch(part: HubPart = BASE) -> Path:
    return hub.pull("the model tiny", part, "name a folder")


def test_a_preset_is_pulled_checked_and_painted_with(
    server: type[Hub], preset: Preset, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="models pull tiny") as missing:
        paint(tmp_path)
    assert missing.value.code is ErrorCode.OFFLINE_MISSING
    assert check("tiny", preset).state == "missing"
    for part in preset.parts:
        fetch(part)
    assert not any(path.endswith(".bin") for path in server.asked)
    assert check("tiny", preset).state == "whole"
    server.trouble = "500"
    paint(tmp_path)


def test_a_cut_download_goes_on_where_it_was(
    server: type[Hub], published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A line of weights is kept in pieces of 10 MB; the tiny file is smaller than one.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1 << 16)
    server.trouble, server.passes = "cut", [40]
    folder = fetch()
    size = (published / "base" / UNET).stat().st_size
    assert (folder / UNET).read_bytes() == (published / "base" / UNET).read_bytes()
    assert size <= server.sent[UNET] < 1.8 * size, "what was there is not sent again"


@pytest.mark.parametrize("trouble", ["429", "500", "503", "hang up"])
def test_a_busy_hub_is_asked_again(server: type[Hub], trouble: str) -> None:
    server.trouble, server.passes = trouble, [1]
    assert (fetch() / UNET).exists()


def test_other_weights_than_the_published_are_refused(server: type[Hub]) -> None:
    with pytest.raises(ModelError, match="delete it from the hub") as refused:
        fetch(replace(BASE, sha256={UNET: "0" * 64}))
    assert refused.value.code is ErrorCode.MODEL_HASH_MISMATCH


def test_a_damaged_file_is_found(server: type[Hub], preset: Preset) -> None:
    folders = [fetch(part) for part in preset.parts]
    whole = (folders[0] / UNET).read_bytes()
    (folders[0] / UNET).resolve().write_bytes(whole[:-1])
    found = check("tiny", preset)
    assert (found.state, "cut short" in found.why) == ("damaged", True)


def test_two_processes_may_pull_the_same_at_once(published: Path, tmp_path: Path) -> None:
    with serving(published) as (handler, address):
        environment = os.environ | {
            "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_COLOR": "1",
        }  # fmt: skip
        command = [sys.executable, "-m", "depthpaint", "models", "pull", "somebody/base"]
        running = [
            subprocess.Popen(
                command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            for _ in range(2)
        ]
        told = [process.communicate(timeout=120) for process in running]
        assert [process.returncode for process in running] == [0, 0], told
        folder = Path(told[0][0].strip())
        assert (folder / UNET).read_bytes() == (published / "base" / UNET).read_bytes()
        assert not list((tmp_path / "home").rglob("*.incomplete"))
        assert handler.sent[UNET] < 2 * (published / "base" / UNET).stat().st_size
