"""The other commands, and the program as a process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from depthpaint.cli.commands import SUMMARIES
from depthpaint.core.installation import command_for
from depthpaint.models.diorama import schemes as expansion
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.models.diorama.files import FOLDER
from depthpaint.record.picture_file import read_record
from fake_painter import FakePainter
from running import running

Run = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


def test_inspect_says_what_is_in_each_file_and_fails_for_one(cli: Run, work: Path) -> None:
    Image.new("RGB", (64, 64), (200, 30, 90)).save(work / "photo.png")
    status, out, err = cli("inspect", "depth.npy", "photo.png")
    assert status == 3
    assert "128x96 NPY" in out
    assert "NOT READY: photo.png is a colour picture" in out
    assert err == ""
    status, out, err = cli("inspect", "depth.npy", "photo.png", "--json")
    files = json.loads(out)["files"]
    assert (status, err) == (3, "")
    assert files[0]["size"] == "128x96"
    assert files[0]["colour_map"] == "gray"
    assert files[0]["near"] == "white"
    assert (files[0]["bits"], files[0]["bits_used"]) == (32, 14)
    assert 0.75 <= files[0]["confidence"]["near"] < 1
    assert files[1]["error"] == "depth_bad_shape"


def test_inspect_advises_on_few_levels(cli: Run, work: Path) -> None:
    np.save(work / "steps.npy", np.arange(64 * 200).reshape(64, 200) // 320)
    assert "40 different depths" in cli("inspect", "steps.npy")[1]


def test_replay_is_bit_equal_and_notices_changes(cli: Run, work: Path) -> None:
    path = cli("generate", "depth.npy", "a ball", "--steps", 2)[1].strip()
    status, out, _ = cli("replay", path)
    assert status == 0
    assert "bit-equal" in out
    texts = PngInfo()
    with Image.open(work / path) as image:
        edited = np.array(image)
        texts.add_itxt("depthpaint", str(image.info["depthpaint"]))
    edited[0, 0] ^= 255
    Image.fromarray(edited).save(work / "edited.png", pnginfo=texts)
    status, out, _ = cli("replay", "edited.png", "--json")
    (row,) = json.loads(out)["images"]
    assert status == 4
    assert row["verdict"] == "different"
    assert "edited" in row["why"]


def test_replay_refuses_a_changed_depth_map_unless_it_is_named(cli: Run, work: Path) -> None:
    path = cli("generate", "depth.npy", "a ball", "--steps", 2)[1].strip()
    np.save(work / "depth.npy", np.load(work / "depth.npy")[::-1] ** 2)
    status, _, err = cli("replay", path)
    assert status == 3
    assert "has changed since" in err
    assert "--depth" in err
    status, out, _ = cli("replay", path, "--depth", "depth.npy")
    assert status == 4
    assert "the depth file" in out
    (work / "depth.npy").unlink()
    assert "was not found" in cli("replay", path)[2]


def test_replay_of_a_stranger_is_refused(cli: Run, work: Path) -> None:
    Image.new("RGB", (8, 8)).save(work / "stranger.png")
    status, _, err = cli("replay", "stranger.png")
    assert status == 3
    assert "not painted by depthpaint" in err


def test_models_are_listed_shown_and_exported(cli: Run, work: Path) -> None:
    assert "diorama" in cli("models", "list")[1]
    assert json.loads(cli("models", "list", "--json")[1])["models"][0]["licence"] == "Apache-2.0"
    shown = json.loads(cli("models", "show", "diorama", "--json")[1])
    assert {"red", "sphere", "sunset"} <= set(shown["words"])
    assert shown["facts"]["samples"] > 0
    assert cli("models", "show", "sd99")[0] == 5
    assert cli("models", "export", "diorama", "exported")[1] == "exported\n"
    assert (work / "exported/unet/config.json").exists()
    assert cli("models", "export", "diorama", "exported")[0] == 8


def test_doctor_finds_the_model_and_says_when_it_is_broken(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, _ = cli("doctor", "--json")
    assert status == 0
    assert json.loads(out)["diorama"]["ok"]
    monkeypatch.setattr("depthpaint.models.diorama.files.FOLDER", work)
    monkeypatch.setattr("depthpaint.models.diorama.files.open_files.__defaults__", (work,))
    status, out, _ = cli("doctor")
    assert status == 5
    assert "reinstall depthpaint" in out


def test_doctor_says_on_what_stable_diffusion_would_paint(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "this build of torch is for the CPU only" in cli("doctor")[1]
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert "no GPU that it can use" in cli("doctor")[1]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A Card")
    assert json.loads(cli("doctor", "--json")[1])["torch"]["device"] == "cuda"

    def fails() -> str:
        raise RuntimeError("CUDA driver is too old\nand more")

    monkeypatch.setattr(torch.cuda, "get_device_name", fails)
    status, out, _ = cli("doctor")
    assert status == 0
    assert out.endswith("torch is installed and does not work: CUDA driver is too old\n")


def test_a_missing_extra_is_named_with_its_remedy() -> None:
    code = "import sys; sys.modules['huggingface_hub'] = None\nfrom depthpaint.cli.main import run\n"
    code += "sys.exit(run(['models', 'pull', 'sd15']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert command_for("sd") in done.stderr
    assert "Traceback" not in done.stderr


def test_bench_knows_its_peers(cli: Run) -> None:
    status, _, err = cli("bench", "--vs", "unknown")
    assert status == 2
    assert "diffusers" in err


def test_the_benchmark_is_at_the_size_that_was_trained(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """At another, depthpaint paints other pixels than its peer, and times say nothing."""
    sides: list[int] = []

    def bench_rows(rows: int, side: int, repeats: int, as_json: bool) -> None:
        sides.append(side)

    monkeypatch.setattr("depthpaint.bench.command.bench_rows", bench_rows)
    assert cli("bench", "--vs", "diffusers", "--rows", 4)[0] == 0
    assert [side**2 for side in sides] == [DIORAMA.trained_area]


def test_the_interactive_mode_asks_shows_and_paints(
    cli: Run, work: Path, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("'depth.npy'\na red ball\n"))
    status, out, err = cli()
    assert status == 0
    assert out == "output_images/a-red-ball-12345.png\n"
    assert "Depth map" in err
    assert err.count("128x96") == 1
    assert "white is near" in err
    assert painter.calls["decode"] == 1
    assert (work / out.strip()).exists()


@pytest.mark.parametrize(
    ("answers", "status"), [("", 2), ("depth.npy\n", 2), ("nope.png\na\n", 3), ("\n\n", 2)]
)
def test_bad_answers_down_a_pipe_end_with_a_status(
    cli: Run, monkeypatch: pytest.MonkeyPatch, answers: str, status: int
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    assert cli()[0] == status


@pytest.mark.full
def test_the_earlier_entry_point_still_does_its_job(program: list[str], work: Path) -> None:
    assert program
    done = subprocess.run(
        [sys.executable, ROOT / "generate_images.py"], input="depth.npy\na red ball\n", cwd=work,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (work / done.stdout.strip()).parent.name == "output_images"
    assert (work / done.stdout.strip()).exists()


@pytest.mark.full
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_half_written(
    program: list[str], work: Path, number: signal.Signals, status: int
) -> None:
    with running(
        [*program, "generate", "depth.npy", "p", "--steps", "900", "--schedule", "trailing",
         "--preview-every", "1", "--name", "x"],
        cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        while process.poll() is None and not list(work.glob("output_images/x-step-*.png")):
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate()
    assert process.returncode == status, err
    assert out == ""
    assert "Traceback" not in err
    left = [path.name for path in (work / "output_images").iterdir()]
    assert all(name.startswith("x-step-") for name in left)
    for name in left:
        with Image.open(work / "output_images" / name) as image:
            image.load()


def test_a_closed_stdout_is_no_traceback(program: list[str]) -> None:
    with running(
        [*program, "models", "show", "diorama"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait() in (0, 141)


@pytest.mark.full
def test_a_terminal_of_another_age(program: list[str], work: Path) -> None:
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "NO_COLOR": "1",
    }
    del environment["PATH"]
    done = subprocess.run(
        [*program, "generate", "depth.npy", "猫", "--steps", "1"], cwd=work, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_shipped_model_card_says_how_it_was_made() -> None:
    facts = json.loads((FOLDER / "model.json").read_text(encoding="utf-8"))["facts"]
    assert {"samples", "minutes", "small_worlds", "device"} <= set(facts)


@pytest.mark.parametrize(("answer", "near"), [("1", "white"), ("2", "black")])
def test_the_interactive_mode_asks_which_end_is_near_where_it_cannot_tell(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch, answer: str, near: str
) -> None:
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    np.save(work / "noise.npy", np.random.default_rng(0).random((64, 64), np.float32))
    monkeypatch.setattr("sys.stdin", Terminal(f"noise.npy\nboth\n{answer}\na ball\n"))
    status, out, err = cli()
    assert status == 0
    assert err.count("1 or 2:") == 2
    assert read_record(work / out.strip()).settings.reading.near == near


@pytest.mark.full
def test_a_short_sentence_is_heard_with_colours_and_replayed_with_those(cli: Run, work: Path) -> None:
    status, out, err = cli("generate", "depth.npy", "a bedroom", "--steps", 2, "--sidecar")
    assert status == 0
    assert 'prompt painted: "a bedroom, ' in err and "--no-expand" in err
    record = json.loads(Path(work, out.strip()).with_suffix(".json").read_text())
    assert record["settings"]["prompt"] == "a bedroom"
    assert record["plan"]["expanded_prompt"].startswith("a bedroom, ")
    assert "bit-equal" in cli("replay", out.strip())[1]
    plain = cli("generate", "depth.npy", "a bedroom", "--steps", 2, "--no-expand", "--sidecar")[1].strip()
    assert json.loads(Path(work, plain).with_suffix(".json").read_text())["plan"]["expanded_prompt"] is None
    assert Path(work, plain).read_bytes() != Path(work, out.strip()).read_bytes()
    assert "bit-equal" in cli("replay", plain)[1]


def test_replay_hears_what_was_heard_though_colours_are_drawn_otherwise_by_now(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cli("generate", "depth.npy", "a bedroom", "--steps", 2)[1].strip()
    monkeypatch.setitem(expansion.SCENES, "bedroom", ("black bed",))
    assert "black bed" in cli("generate", "depth.npy", "a bedroom", "--steps", 2)[2]
    assert "bit-equal (every value is equal)" in cli("replay", path)[1]


def test_replay_says_that_edges_are_drawn_in_another_way_by_now(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = cli("generate", "depth.npy", "a red ball", "--steps", 2)[1].strip()
    bare = cli("generate", "depth.npy", "a red ball", "--steps", 2, "--no-finish")[1].strip()
    monkeypatch.setattr("depthpaint.record.result.FINISHING", 9)
    assert "changed: finishing (2 before, 9 now)" in cli("replay", finished)[1]
    assert "bit-equal (every value is equal)" in cli("replay", bare)[1]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--size", "256x128"), "needs a square"),
        (("--size", "wide"), "is not a size"),
        (("--rows", 8), "against diffusers"),
        (("--vs", "comfy"), "not known"),
    ],
)
def test_bench_refuses_what_it_cannot_measure(cli: Run, flags: tuple[object, ...], message: str) -> None:
    status, _, err = cli("bench", *flags)
    assert status == 2
    assert message in err


@pytest.mark.parametrize("value", ["xyz", "bash_source", "complete_zsh", "complete", "", "\n"])
def test_the_variable_of_shell_completion_ends_no_command(
    cli: Run, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("_DEPTHPAINT_COMPLETE", value)
    status, out, err = cli("inspect", "depth.npy", "--json")
    assert (status, err) == (0, "")
    assert "depth.npy" in out


@pytest.mark.parametrize("command", SUMMARIES)
def test_help_names_values_in_words(cli: Run, command: str) -> None:
    status, out, _ = cli(command, "--help")
    assert status == 0
    assert out.startswith(f"Usage: depthpaint {command} [OPTIONS]")
    assert not re.search(r"<[a-z]|(?<!\$)\{", out), "typer's own types and braces"


def test_studies_offer_no_stdin(cli: Run) -> None:
    assert "stdin" not in cli("study", "aspect", "--help")[1]
