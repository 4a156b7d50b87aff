"""Models from a hub on this machine: fetched, cut and resumed, checked, and painted with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants
from loopback_hub import Hub, connect_to, empty_cache, serving
from tiny_sd import save_control, save_model

from depthpaint.cli.main import run
from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.models import hub
from depthpaint.models.hub_files import CLIP_WORDS, HubPart
from depthpaint.models.painter import Runtime
from depthpaint.models.registered import are_here as is_here
from depthpaint.models.registered import check_parts as check
from depthpaint.models.stable_diffusion.presets import PRESETS, Preset
from depthpaint.request import Request

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.allow_hosts(["127.0.0.1"])]

FOLDERS = ("unet", "vae", "text_encoder")
UNET = "unet/diffusion_pytorch_model.safetensors"
BASE = HubPart(
    "somebody/base", 1, "MIT",
    (UNET, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"),
)  # fmt: skip
CONTROL = HubPart("somebody/control", 1, "MIT", ("diffusion_pytorch_model.safetensors",))
HALF = "diffusion_pytorch_model.fp16.safetensors"
NESTED = "checkpoints/depth/controlnet"
SECRET = "hf_aSecretThatNobodyMaySee"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    save_control(folder / "control", save_model(folder / "base", "sd15"))
    shutil.copytree(folder / "control", folder / "nested" / NESTED)
    shutil.copytree(folder / "base", folder / CLIP_WORDS.repository.partition("/")[2])
    shutil.copytree(folder / "control", folder / "twins")
    shutil.copy(folder / "control" / CONTROL.weights[0], folder / "twins" / HALF)
    (folder / "lora").mkdir()
    shutil.copy(folder / "base" / UNET, folder / "lora" / "small.safetensors")
    return folder


@pytest.fixture
def server(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    empty_cache(tmp_path / "home" / "hub", monkeypatch)
    with serving(published) as (handler, address):
        connect_to(address, monkeypatch)
        yield handler


@pytest.fixture
def preset(monkeypatch: pytest.MonkeyPatch) -> Preset:
    sd15 = PRESETS["sd15"]
    habits = replace(sd15.habits, name="tiny", trained_area=64 * 64, smallest_area=1, num_inference_steps=2)
    tiny = replace(sd15, habits=habits, base=BASE, control=CONTROL, also={})
    monkeypatch.setitem(PRESETS, "tiny", tiny)
    return tiny


def paint(folder: Path, model: str = "tiny", control: str | None = None) -> None:
    np.save(folder / "depth.npy", np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64))
    request = Request(
        depth=folder / "depth.npy", near="white", kind="disparity", prompt="a", model=model,
        control=control, num_inference_steps=2,
    )  # fmt: skip
    Engine(runtime=Runtime("cpu")).paint(request)


def fetch(part: HubPart = BASE) -> Path:
    return hub.pull("the model tiny", part, "name a folder")


def refusal(part: HubPart = BASE) -> DepthpaintError:
    with pytest.raises(DepthpaintError) as refused:
        fetch(part)
    assert "\n" not in str(refused.value)
    return refused.value


def test_a_preset_is_pulled_checked_and_painted_with(
    server: type[Hub], preset: Preset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError, match="models pull tiny") as missing:
        paint(tmp_path)
    assert missing.value.code is ErrorCode.OFFLINE_MISSING
    assert check("tiny", preset.parts).state == "missing"
    assert not is_here(preset.parts)
    assert server.asked == [], "nothing is asked for before pull"
    assert run(["models", "pull", "tiny", "--json"]) == 0
    told = capsys.readouterr()
    assert [row["repository"] for row in json.loads(told.out)["parts"]] == [
        "somebody/base",
        "somebody/control",
    ]
    assert told.err.count("licence: MIT") == 2
    assert not any(path.endswith(".bin") for path in server.asked)
    assert check("tiny", preset.parts).state == "whole"
    assert is_here(preset.parts)
    count = len(server.asked)
    paint(tmp_path)
    assert len(server.asked) == count, "painting asks nobody"


def test_a_hub_id_is_pulled_and_painted_with(
    server: type[Hub], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError, match="models pull somebody/base"):
        paint(tmp_path, "somebody/base")
    for name in ("somebody/base", "somebody/twins"):
        assert run(["models", "pull", name]) == 0
    told = capsys.readouterr()
    assert "licence: mit" in told.err
    assert [f.name for f in Path(told.out.splitlines()[1]).glob("*.safetensors")] == [HALF]
    assert not any(path.endswith(".bin") for path in server.asked)
    count = len(server.asked)
    paint(tmp_path, "somebody/base", "somebody/twins")
    assert run(["models", "verify", "somebody/base"]) == 0
    assert len(server.asked) == count


def test_a_licence_is_told_at_the_first_pull_of_a_repository(
    server: type[Hub], preset: Preset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*command: str) -> str:
        assert run(["models", "pull", *command]) == 0
        return capsys.readouterr().err

    assert "licence" not in told("tiny", "-q"), "what was not shown is not counted as shown"
    assert told("tiny").count("licence: MIT") == 2
    assert (tmp_path / "home" / "depthpaint-licences.json").is_file()
    again = told("tiny")
    assert ("licence" in again, again.count("somebody/")) == (False, 2)
    assert "licence: mit" in told("somebody/base"), "its page names another than the preset"


def test_a_part_may_lie_in_a_subfolder_and_a_lora_comes_without_a_config(server: type[Hub]) -> None:
    folder = fetch(HubPart("somebody/nested", 1, "MIT", CONTROL.weights, subfolder=NESTED))
    assert {"config.json", CONTROL.weights[0]} <= {file.name for file in folder.iterdir()}
    lora = HubPart("somebody/lora", 1, "MIT", ("small.safetensors",), configured=False)
    assert fetch(lora) == hub.local_folder("the model tiny", lora, "")


def test_of_the_tokenizers_repository_the_words_alone_are_pulled(
    server: type[Hub], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "pull", CLIP_WORDS.repository]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert folder == hub.local_folder("the tokenizer", CLIP_WORDS, "")
    assert (folder / "tokenizer" / "vocab.json").is_file()
    assert not list(folder.rglob("*.safetensors"))


@pytest.mark.full
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


@pytest.mark.full
def test_what_a_killed_download_left_is_not_taken_for_the_model(
    server: type[Hub], published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.trouble = "half, then silence"
    process = subprocess.Popen(
        [sys.executable, "-m", "depthpaint", "models", "pull", "somebody/base", "-q"],
        env=surroundings(tmp_path / "home"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        started = time.monotonic()
        while not server.sent and time.monotonic() - started < 300:
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    server.trouble = ""
    with pytest.raises(ModelError, match="not on this machine"):
        hub.local_folder("the model tiny", BASE, "name a folder")
    assert (fetch() / UNET).read_bytes() == (published / "base" / UNET).read_bytes()


@pytest.mark.parametrize("trouble", ["429", "500", "503", "hang up"])
def test_a_busy_hub_is_asked_again(server: type[Hub], trouble: str) -> None:
    server.trouble, server.passes = trouble, [1]
    assert (fetch() / UNET).exists()


@pytest.mark.parametrize("listed", [True, False], ids=["a hub id", "a preset"])
def test_a_stall_is_not_waited_out(server: type[Hub], listed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"):
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", 0.5)
    server.trouble, server.passes = "stall", [1]
    fetch(hub.part_on_hub("the model tiny", BASE.repository, "") if listed else BASE)
    assert not server.waited_out


def test_what_is_here_is_used_while_the_hub_is_down(server: type[Hub]) -> None:
    folder = fetch()
    server.trouble = "500"
    assert fetch() == folder


def test_half_a_model_is_not_taken_for_it_while_the_hub_is_down(server: type[Hub]) -> None:
    (fetch() / UNET).unlink()
    server.trouble = "500"
    assert refusal().code is ErrorCode.HUB_UNREACHABLE


def test_files_that_are_no_longer_there_are_named(server: type[Hub]) -> None:
    told = refusal(replace(CONTROL, weights=(*CONTROL.weights, "moved.safetensors")))
    assert (told.code, "moved.safetensors" in str(told)) == (ErrorCode.HUB_UNREACHABLE, True)


def test_a_gated_model_names_the_page_and_no_token(
    server: type[Hub], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    for trouble, code in (("GatedRepo", ErrorCode.HUB_GATED), ("401", ErrorCode.HUB_AUTH_REQUIRED)):
        server.trouble = trouble
        told = refusal()
        assert told.code is code
        assert "HF_TOKEN" in str(told)
        assert (f"accept the terms at {constants.ENDPOINT}/somebody/base " in str(told)) == (
            trouble == "GatedRepo"
        )
        everything = "".join((str(told), repr(told), str(told.value), *capfd.readouterr()))
        assert SECRET not in everything
    assert f"Bearer {SECRET}" in server.tokens, "it was given to the hub"


def test_offline_what_is_here_is_enough_and_nobody_is_asked(
    server: type[Hub], preset: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [fetch(part) for part in preset.parts]
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    count = len(server.asked)
    assert [fetch(part) for part in preset.parts] == folders
    paint(tmp_path)
    told = refusal(HubPart("somebody/else", 1, "MIT"))
    assert (told.code, "HF_HUB_OFFLINE" in str(told)) == (ErrorCode.OFFLINE_MISSING, True)
    assert len(server.asked) == count


def test_other_weights_than_the_published_are_refused(server: type[Hub]) -> None:
    told = refusal(replace(BASE, sha256={UNET: "0" * 64}))
    assert (told.code, "delete it from the hub" in str(told)) == (ErrorCode.MODEL_HASH_MISMATCH, True)


def test_damage_is_found_where_the_size_is_right_only_by_the_digest(
    server: type[Hub], preset: Preset, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from depthpaint.core.files import sha256_of

    pinned = replace(BASE, sha256={UNET: sha256_of(published / "base" / UNET)})
    file = (fetch(pinned) / UNET).resolve()
    assert check("tiny", [pinned]).state == "whole"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert check("tiny", [BASE]).state == "whole", "nothing but the digest can tell"
    assert (found := check("tiny", [pinned])).state == "damaged"
    assert "sha256" in found.why
    file.write_bytes(whole[:-1])
    monkeypatch.setitem(PRESETS, "tiny", replace(preset, control=None))
    assert "truncated" in check("tiny", [BASE]).why
    assert run(["models", "verify", "tiny"]) == 5


def test_a_cache_that_takes_nothing_is_told(
    server: type[Hub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    told = refusal()
    assert (told.code, "HF_HOME" in str(told)) == (ErrorCode.OUTPUT_NOT_WRITABLE, True)


@pytest.mark.full
def test_two_processes_may_pull_the_same_at_once(server: type[Hub], published: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "depthpaint", "models", "pull", "somebody/base"]
    running = [
        subprocess.Popen(
            command, env=surroundings(tmp_path / "home"), text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        told = [process.communicate(timeout=120) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert [process.returncode for process in running] == [0, 0], told
    folder = Path(told[0][0].strip())
    assert (folder / UNET).read_bytes() == (published / "base" / UNET).read_bytes()
    assert not list((tmp_path / "home").rglob("*.incomplete"))
    assert server.sent[UNET] < 2 * (published / "base" / UNET).stat().st_size


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a process that knows the hub of the test, and its cache."""
    kept = {name: value for name, value in os.environ.items() if name != "HF_HUB_CACHE"}
    return kept | {
        "HF_ENDPOINT": constants.ENDPOINT, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_COLOR": "1",
    }  # fmt: skip
