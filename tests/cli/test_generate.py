"""`generate` from flags to files, with a painter without weights."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from depthpaint.cli import painting
from depthpaint.cli.main import run
from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.models.diorama import family
from depthpaint.models.painter import Painter, Runtime
from depthpaint.record import paths
from depthpaint.record.picture_file import read_record
from fake_painter import FakePainter

Run = Callable[..., tuple[int, str, str]]


def test_a_picture_and_its_path(cli: Run, work: Path) -> None:
    status, out, err = cli("generate", "depth.npy", "a red ball", "--size", "97x61")
    assert status == 0
    assert out == "output_images/a-red-ball-12345.png\n"
    assert "128x96" in err
    with Image.open(work / out.strip()) as image:
        assert image.size == (97, 61)


def test_flags_reach_the_record(cli: Run, work: Path) -> None:
    flags = (
        "--seed 0 --guidance 0 --strength 0 --control-window 0.2:0.6 --steps 3 --sampler heun"
        " --near black --alpha-mask"
    )
    status, out, _ = cli("generate", "depth.npy", "p", "--negative", "n", "--fit", "crop", *flags.split())
    assert status == 0
    settings = read_record(work / out.strip()).settings
    assert (settings.seed, settings.guidance_scale, settings.control_strength) == (0, 0, 0)
    assert (settings.control_window, settings.num_inference_steps) == ((0.2, 0.6), 3)
    assert (settings.sampler, settings.reading.near, settings.fit) == ("heun", "black", "crop")
    assert (settings.prompt, settings.negative_prompt) == ("p", "n")
    assert settings.reading.alpha_mask


def test_the_json_document(cli: Run) -> None:
    status, out, err = cli("generate", "depth.npy", "xball", "--count", 2, "--json")
    document = json.loads(out)
    assert status == 0
    assert "'xball'" in err, "stderr goes on talking to people; stdout holds the document alone"
    assert [image["seed"] for image in document["images"]] == [12345, 12346]
    assert set(document["images"][0]) == {"path", "seed", "width", "height", "sha256", "warnings", "seconds"}
    assert any("'xball'" in warning for warning in document["images"][0]["warnings"])
    assert document["plan"]["sizes"]["depth_size"] == "128x96"


def test_a_dry_run_loads_nothing_and_writes_nothing(cli: Run, work: Path, painter: FakePainter) -> None:
    status, out, _ = cli("generate", "depth.npy", "p", "--size", "940x564", "--dry-run")
    assert status == 0
    assert re.search(r"^output_size +940x564$", out, re.MULTILINE)
    assert json.loads(cli("generate", "depth.npy", "p", "--dry-run", "--json")[1])["plan"]["settings"][
        "sampler"
    ]
    assert not painter.calls
    assert [path.name for path in work.iterdir()] == ["depth.npy"]


def test_nothing_is_overwritten_unasked(cli: Run, work: Path) -> None:
    assert cli("generate", "depth.npy", "p")[1] == "output_images/p-12345.png\n"
    assert cli("generate", "depth.npy", "p", "--steps", 3)[1] == "output_images/p-12345-2.png\n"
    assert cli("generate", "depth.npy", "p", "--name", "mine")[0] == 0
    before = (work / "output_images/mine.png").read_bytes()
    status, _, err = cli("generate", "depth.npy", "q", "--name", "mine")
    assert status == 8
    assert "--overwrite" in err
    assert (work / "output_images/mine.png").read_bytes() == before
    assert cli("generate", "depth.npy", "q", "--name", "mine", "--overwrite")[0] == 0
    assert (work / "output_images/mine.png").read_bytes() != before


def test_a_taken_name_is_refused_before_painting(cli: Run, work: Path, painter: FakePainter) -> None:
    (work / "output_images").mkdir()
    (work / "output_images/mine-2.png").write_bytes(b"")
    assert cli("generate", "depth.npy", "q", "--name", "mine", "--count", 3)[0] == 8
    assert not painter.calls


def test_previews_and_sidecar(cli: Run, work: Path) -> None:
    options = ("--steps", 4, "--preview-every", 2, "--name", "a", "--sidecar")
    assert cli("generate", "depth.npy", "q", *options)[0] == 0
    names = sorted(path.name for path in (work / "output_images").iterdir())
    assert names == ["a-step-002.png", "a-step-004.png", "a.json", "a.png"]


def test_a_random_seed_is_printed(cli: Run, work: Path) -> None:
    status, out, err = cli("generate", "depth.npy", "q", "--seed", -1)
    assert status == 0
    seed = int(err.split("seed: ")[1].split()[0])
    assert read_record(work / out.strip()).settings.seed == seed


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nope.npy", "p"], 3, "no such file"),
        ([".", "p"], 3, "folder"),
        (["depth.npy", "p", "--size", "0x7"], 2, "size"),
        (["depth.npy", "p", "--size", "9000x9000"], 2, "size"),
        (["depth.npy", "p", "--size", "512"], 2, "940x564"),
        (["depth.npy", "p", "--size", "99x99", "--aspect", "1:1"], 2, "aspect"),
        (["depth.npy", "p", "--aspect", "100:1"], 2, "16:1"),
        (["depth.npy", "p", "--seed", "4294967296"], 2, "seed"),
        (["depth.npy", "p", "--seed", "-2"], 2, "seed"),
        (["depth.npy", "p", "--seed", "1.5"], 2, "integer"),
        (["depth.npy", "p", "--steps", "0"], 2, "num_inference_steps"),
        (["depth.npy", "p", "--steps", "1000000"], 2, "num_inference_steps"),
        (["depth.npy", "p", "--guidance", "nan"], 2, "guidance_scale"),
        (["depth.npy", "p", "--guidance", "inf"], 2, "guidance_scale"),
        (["depth.npy", "p", "--guidance", "-1"], 2, "guidance_scale"),
        (["depth.npy", "p", "--strength", "-0.1"], 2, "control_strength"),
        (["depth.npy", "p", "--control-window", "0.6:0.2"], 2, "control_window"),
        (["depth.npy", "p", "--control-window", "soon"], 2, "control_window"),
        (["depth.npy", "p", "--count", "0"], 2, "count"),
        (["depth.npy", "p", "--count", "1001"], 2, "count"),
        (["depth.npy", "p", "--sampler", "eular"], 2, "euler"),
        (["depth.npy", "p", "--schedule", "karas"], 2, "karras"),
        (["depth.npy", "p", "--model", "dioramma"], 5, "diorama"),
        (["depth.npy", "p", "--device", "tpu"], 2, "choose auto, cpu, cuda, mps"),
        (["depth.npy", "p", "--precision", "fp8"], 2, "choose auto, fp32, fp16, bf16"),
        (["depth.npy", "p", "--lora", "style.safetensors"], 5, "cannot be combined with lora"),
        (["depth.npy", "p", "--control", "c", "--vae", "v"], 5, "cannot be combined with control and vae"),
        (["depth.npy", "p", "--also", "depth"], 2, "normal or canny"),
        (["depth.npy", "p", "--model", "unknown/model"], 7, "models pull unknown/model"),
        (["depth.npy", "p", "--clip-skip", "99"], 2, "clip_skip"),
        (["depth.npy", "p", "--near", "grey"], 2, "near"),
        (["depth.npy", "p", "--fit", "squash"], 2, "fit"),
        (["depth.npy", "p" * 10_001], 2, "prompt"),
        (["depth.npy", "a\x00b"], 2, "prompt"),
        (["depth.npy", "a\ud800b"], 2, "prompt"),
        (["depth.npy", "p", "--name", "../escape"], 8, "plain file name"),
        (["depth.npy", "p", "--name", "con"], 8, "plain file name"),
        (["depth.npy", "p", "--out", "depth.npy"], 6, "--out"),
        (["depth.npy"], 2, "PROMPT"),
        (["depth.npy", "p", "--guidanc", "3"], 2, "--guidance"),
    ],
)
def test_bad_input_is_one_line_with_its_status(
    cli: Run, work: Path, arguments: list[str], status: int, message: str
) -> None:
    got, out, err = cli("generate", *arguments)
    assert got == status, err
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert sorted(path.name for path in work.rglob("*")) == ["depth.npy"]


@pytest.mark.parametrize("prompt", ["!!!", "\x1b]0;x\x07", "\u202egnp", "猫 🙂 قطة", "a\nNegative prompt: b"])
def test_odd_sentences_are_painted_and_leave_the_terminal_alone(cli: Run, work: Path, prompt: str) -> None:
    status, out, err = cli("generate", "depth.npy", prompt)
    assert status == 0
    assert read_record(work / out.strip()).settings.prompt == prompt
    assert not set("\x1b\x07\u202e") & set(out + err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["  "], "prompt: it is empty"),
        (["a [red|blue] house"], "'[red|blue]' is an alternation that diorama does not understand"),
        (["a house", "--negative", "<lora:x:1>"], "'<lora:x:1>' is a hypernetwork or a LoRA"),
    ],
)
def test_a_prompt_that_cannot_be_painted_as_it_is_written(
    cli: Run, painter: FakePainter, arguments: list[str], message: str
) -> None:
    for dry in ([], ["--dry-run"]):
        status, _, err = cli("generate", "depth.npy", *arguments, *dry)
        assert status == 2
        assert message in err
        assert err.count("\n") == 1
    assert not painter.calls


def test_a_folder_that_may_not_be_written_is_refused_before_painting(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(dir: Path) -> None:
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(paths, "tempfile", SimpleNamespace(TemporaryFile=refuse))
    status, _, err = cli("generate", "depth.npy", "p")
    assert status == 6
    assert "cannot write" in err
    assert not painter.calls


def test_a_fault_is_one_line_and_a_traceback_only_on_request(
    cli: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: Engine, *arguments: object) -> None:
        raise RuntimeError("the roof is on fire")

    monkeypatch.setattr(Engine, "pictures", fail)
    status, _, err = cli("generate", "depth.npy", "p")
    assert status == 1
    assert err.count("\n") == 1
    assert "the roof is on fire" in err
    monkeypatch.setenv("DEPTHPAINT_DEBUG", "1")
    from depthpaint.cli.main import run

    assert run(["generate", "depth.npy", "p"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_map_of_one_value_needs_a_flag(cli: Run, work: Path) -> None:
    np.save(work / "flat.npy", np.ones((64, 64), np.float32))
    assert cli("generate", "flat.npy", "p")[0] == 3
    assert cli("generate", "flat.npy", "p", "--allow-constant")[0] == 0


def test_previews_bear_the_name_of_their_picture(cli: Run, work: Path) -> None:
    assert cli("generate", "depth.npy", "p", "--steps", 2, "--preview-every", 1, "--name", "mine")[0] == 0
    names = sorted(path.name for path in (work / "output_images").iterdir())
    assert names == ["mine-step-001.png", "mine-step-002.png", "mine.png"]
    status, _, err = cli("generate", "depth.npy", "p", "--preview-every", 1, "--name", "mine")
    assert status == 8
    assert "exists already" in err


def test_debug_may_stand_behind_the_command(
    cli: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: Engine, *arguments: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(Engine, "pictures", fail)
    assert run(["generate", "depth.npy", "p", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
    assert run(["generate", "depth.npy", "p", "--", "--debug"]) == 2, "behind -- it is no flag"


def test_stdout_on_a_full_disk_is_one_line(program: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*program, "--version"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 6
    assert done.stderr.count("\n") == 1
    assert "cannot write" in done.stderr


def test_threads_are_told_to_the_engine(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    make_engine = painting.make_engine

    def listening(runtime: Runtime | None = None) -> Engine:
        threads.append((runtime or Runtime()).threads)
        return make_engine(runtime)

    monkeypatch.setattr(painting, "make_engine", listening)
    assert cli("generate", "depth.npy", "a room", "--threads", 3, "-q")[0] == 0
    assert cli("generate", "depth.npy", "a room", "--threads", -1)[0] == 2
    Path("rows.csv").write_text("depth,prompt\ndepth.npy,a room\n")
    assert cli("batch", "rows.csv", "--threads", 2, "-q")[0] == 0
    assert threads[0] == 3
    assert threads[-1] == 2


def test_what_began_to_load_first_paints(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, started = FakePainter(), list[tuple[str, Runtime]]()

    def start(model: str, runtime: Runtime) -> Future[Painter]:
        started.append((model, runtime))
        loading: Future[Painter] = Future()
        loading.set_result(early)
        return loading

    monkeypatch.setattr(family, "start_loading", start)
    assert cli("generate", "depth.npy", "p", "--dry-run")[0] == 0
    assert not started, "a dry run loads nothing"
    assert cli("generate", "depth.npy", "p", "--threads", 1)[0] == 0
    assert started == [("diorama", Runtime(threads=1))]
    assert early.calls["decode"] == 1
    assert not painter.calls


def test_what_goes_wrong_while_loading_early_is_told_like_anything(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(model: str, runtime: Runtime) -> Future[Painter]:
        del runtime
        loading: Future[Painter] = Future()
        broken = ModelError(f"{model} is broken", code=ErrorCode.MODEL_TRUNCATED, remedy="mend it")
        loading.set_exception(broken)
        return loading

    monkeypatch.setattr(family, "start_loading", start)
    status, out, err = cli("generate", "depth.npy", "p")
    assert status == 5
    assert out == ""
    assert "diorama is broken" in err
    assert not (work / "output_images").exists()


def test_no_output_replaces_the_depth_map_even_when_overwriting_is_allowed(cli: Run, work: Path) -> None:
    (work / "o").mkdir()
    for name, flags in (
        ("a-room-12345.png", ()),
        ("x-step-001.png", ("--name", "x", "--preview-every", "1")),
        ("y.png", ("--name", "y")),
    ):
        source = work / "o" / name
        assert cli("inspect", "depth.npy", "--near", "white", "--as", source)[0] == 0
        before = source.read_bytes()
        status, _, _ = cli(
            "generate", source, "a room", "--near", "white", "--out", "o", "--overwrite", *flags
        )
        assert status in (0, 8)
        assert source.read_bytes() == before
        source.unlink()
