"""`batch` from the command line: its errors, its output and its exit statuses."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from depthpaint.batch.ledger import Ledger
from depthpaint.batch.manifest import Shard
from depthpaint.cli import batch_output
from depthpaint.cli.main import app
from depthpaint.record.picture_file import read_record
from fake_painter import FakePainter
from running import running

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def manifest(work: Path) -> Path:
    """Three rows of two maps, in a folder of their own."""
    (work / "maps").mkdir()
    for name in ("one.npy", "two.npy"):
        np.save(work / "maps" / name, np.load(work / "depth.npy")[:: 1 if name == "one.npy" else -1])
    path = work / "maps/prompts.csv"
    path.write_text("depth,prompt,seed\none.npy,a red ball,1\ntwo.npy,a cube,2\none.npy,a cone,3\n")
    return path


def test_rows_become_pictures_and_their_paths(cli: Run, work: Path, manifest: Path) -> None:
    status, out, err = cli("batch", manifest, "--out", "out")
    assert status == 0
    paths = out.splitlines()
    assert len(paths) == 3
    assert all((work / path).is_file() for path in paths)
    assert "3 painted, 0 already there" in err
    status, out, err = cli("batch", manifest, "--out", "out")
    assert (status, out) == (0, "")
    assert "0 painted, 3 already there" in err


def test_every_picture_can_be_replayed_and_the_folder_reported(cli: Run, work: Path, manifest: Path) -> None:
    _, out, _ = cli("batch", "maps/prompts.csv", "--out", "out")
    status, out, _ = cli("replay", *out.splitlines())
    assert status == 0
    assert out.count("bit-equal") == 3
    assert cli("report", "out")[0] == 0


def test_all_errors_come_before_anything_is_loaded(
    cli: Run, work: Path, manifest: Path, painter: FakePainter
) -> None:
    manifest.write_text(manifest.read_text() + "gone.npy,x,4\none.npy,x,-4\none.npy,x,y\n")
    status, out, err = cli("batch", manifest, "--out", "out")
    assert (status, out) == (3, "")
    assert not painter.calls
    assert not (work / "out").exists()
    for line in (5, 6, 7):
        assert f"prompts.csv, line {line}: " in err
    assert "3 of 6 rows cannot be painted" in err
    assert err.count("\n") == 4


@pytest.mark.full
def test_keep_going_paints_the_others_and_exits_4(cli: Run, work: Path, manifest: Path) -> None:
    manifest.write_text(manifest.read_text() + "gone.npy,x,4\n")
    status, out, err = cli("batch", manifest, "--out", "out", "--keep-going")
    assert status == 4
    assert len(out.splitlines()) == 3
    assert "3 painted, 0 already there, 1 failed" in err
    assert err.count("gone.npy") == 1, "it was printed when the rows were checked"


def test_a_row_that_fails_exits_4_and_the_document_says_why(cli: Run, work: Path, manifest: Path) -> None:
    (work / "maps/two.npy").write_bytes(b"\x93NUMPY nonsense")
    status, out, _ = cli("batch", manifest, "--out", "out", "--json")
    document = json.loads(out)
    assert status == 4
    (failure,) = document.pop("failures")
    assert (failure["line"], failure["code"]) == (3, "depth_unreadable")
    assert document == {"rows": 3, "pictures": 3, "bad_rows": 0, "painted": 2, "there": 0, "failed": 1}


@pytest.mark.full
def test_the_depths_are_verified_and_too_little_agreement_exits_4(
    cli: Run, work: Path, manifest: Path
) -> None:
    arguments = ("batch", manifest, "--out", "out", "--verify-with", "fake")
    status, _, err = cli(*arguments)
    assert status == 0
    assert "depth agreement: median 0." in err
    assert "5th percentile" in err
    status, out, err = cli(*arguments, "--min-agreement", 1, "--tries", 2, "--json")
    assert status == 4
    assert json.loads(out)["agreement"]["below"] == 3
    assert "3 of 3 pictures are below --min-agreement" in err
    assert cli("batch", manifest, "--out", "out", "--tries", 2)[0] == 2
    assert cli("batch", manifest, "--out", "out", "--best-of", 2, "--verify-with", "fake")[0] == 0


def test_a_dry_run_looks_into_the_maps_and_paints_nothing(
    cli: Run, work: Path, manifest: Path, painter: FakePainter
) -> None:
    status, out, _ = cli("batch", manifest, "--dry-run", "--out", "out")
    assert (status, out) == (0, "3 rows, 3 pictures\n")
    (work / "maps/two.npy").write_bytes(b"\x93NUMPY nonsense")
    status, out, err = cli("batch", manifest, "--dry-run", "--out", "out", "--json")
    assert status == 3
    assert json.loads(out)["failures"][0]["line"] == 3
    assert "line 3" in err
    assert not painter.calls
    assert not (work / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["gone.csv"], 2, "does not exist"),
        (["depth.npy"], 2, "no known ending"),
        (["maps/prompts.csv", "--shard", "0/2"], 2, "1/4"),
        (["maps/prompts.csv", "--shard", "3/2"], 2, "1/4"),
        (["maps/prompts.csv", "--shard", "x"], 2, "1/4"),
        (["maps/prompts.csv", "--set", "size"], 2, "--set"),
        (["maps/prompts.csv", "--set", "depth=x"], 2, "--set"),
        (["maps/prompts.csv", "--set", "size=9"], 2, "size"),
        (["maps/prompts.csv", "--workers", "2"], 2, "--ray"),
        (["maps/prompts.csv", "--out", "depth.npy"], 6, "--out"),
    ],
)
def test_bad_usage_is_told_before_painting(
    cli: Run, manifest: Path, painter: FakePainter, arguments: list[str], status: int, message: str
) -> None:
    got, out, err = cli("batch", *arguments)
    assert (got, out) == (status, "")
    assert message in err
    assert not painter.calls


def test_a_folder_at_work_is_left_alone(cli: Run, work: Path, manifest: Path) -> None:
    (work / "out").mkdir()
    ledger = Ledger(work / "out", Shard())
    status, _, err = cli("batch", manifest, "--out", "out")
    ledger.close()
    assert status == 8
    assert "another depthpaint batch" in err


def test_a_damaged_ledger_is_mended_when_asked(cli: Run, work: Path, manifest: Path) -> None:
    cli("batch", manifest, "--out", "out")
    with (work / "out/records.jsonl").open("ab") as ledger:
        ledger.write(b"nonsense\n")
    status, _, err = cli("batch", manifest, "--out", "out")
    assert status == 3
    assert "--rebuild-ledger" in err
    status, _, err = cli("batch", manifest, "--out", "out", "--rebuild-ledger")
    assert status == 0
    assert "from 3 pictures" in err
    assert (work / "out/records.jsonl").read_bytes().count(b"\n") == 1 + 3


def test_without_ray_the_extra_is_named(
    cli: Run, manifest: Path, monkeypatch: pytest.MonkeyPatch, painter: FakePainter
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    status, _, err = cli("batch", manifest, "--out", "out", "--ray", "local")
    assert status == 2
    assert "[ray]" in err
    assert not painter.calls


def test_the_help_has_an_example() -> None:
    assert "depthpaint batch prompts.csv" in CliRunner().invoke(app, ["batch", "--help"]).output


@pytest.mark.full
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_program_cleanly_and_says_how_to_go_on(
    program: list[str], work: Path, manifest: Path, number: int, status: int
) -> None:
    rows = "".join(f"one.npy,a red ball number {k},{k}\n" for k in range(200))
    manifest.write_text("depth,prompt,seed\n" + rows)
    command = [*program, "batch", str(manifest), "--out", "out", "--set", "size=64x64"]
    with running(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        process.send_signal(number)
        lines += process.stdout.readlines()
        err = process.stderr.read()
    assert process.returncode == status
    assert "run the same command again" in err
    assert "Traceback" not in err
    pictures = {path.name for path in (work / "out").glob("*.png")}
    assert {Path(line.strip()).name for line in lines} == pictures
    assert (work / "out/records.jsonl").read_bytes().count(b"\n") == 1 + len(pictures)
    assert not list((work / "out").glob(".tmp*"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (3.4, "about 3 s left"),
        (119, "about 119 s left"),
        (180, "about 3 min left"),
        (7200, "about 2 h left"),
    ],
)
def test_time_left_for_people(seconds: float | None, text: str) -> None:
    assert batch_output.time_left(seconds) == text


@pytest.mark.full
def test_where_no_bar_can_be_drawn_a_line_comes_now_and_then(
    cli: Run, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_output, "EVERY", 0.0)
    _, _, err = cli("batch", manifest, "--out", "out")
    assert "1 of 3 pictures, about " in err
    assert " of 3 pictures" not in cli("batch", manifest, "--out", "again", "--quiet")[2]


def test_a_problem_names_the_folder_that_is_the_manifest(cli: Run, work: Path) -> None:
    (work / "depth.npy").rename(work / "one.npy")
    status, _, err = cli("batch", ".", "--out", ".")
    assert status == 2
    assert err.startswith(f"{work.name}, pair 1: ")


def test_a_folder_with_one_prompt_and_several_seeds(cli: Run, work: Path) -> None:
    (work / "maps").mkdir()
    for name in ("chair.npy", "hall.npy"):
        np.save(work / "maps" / name, np.load(work / "depth.npy"))
    status, out, err = cli("batch", "maps", "--out", "out")
    assert status == 2
    assert "--prompt" in err
    status, out, _ = cli(
        "batch", "maps", "--prompt", "a room", "--seeds", 2, "--size", "32x48", "--out", "out"
    )
    assert status == 0
    names = sorted(line[: len("out/chair-a-room-12345")] for line in out.splitlines())
    assert names == [
        "out/chair-a-room-12345",
        "out/chair-a-room-12346",
        "out/hall-a-room-12345-",
        "out/hall-a-room-12346-",
    ]


def test_columns_are_called_as_the_flags_and_unknown_ones_are_one_error(cli: Run, work: Path) -> None:
    rows = work / "rows.csv"
    rows.write_text("depth,prompt,steps,strength,guidance,negative\ndepth.npy,p,3,0.5,2,x\n")
    status, out, _ = cli("batch", rows, "--out", "out", "--size", "32x48")
    assert status == 0
    settings = read_record(work / out.strip()).settings
    assert (settings.num_inference_steps, settings.control_strength) == (3, 0.5)
    assert (settings.guidance_scale, settings.negative_prompt) == (2, "x")
    rows.write_text("depth,promt,cfg_scale,filename,mood\n" + "depth.npy,p,3,x,y\n" * 3)
    status, out, err = cli("batch", rows, "--out", "out", "--keep-going")
    assert (status, out, err.count("\n")) == (2, "", 1)
    for near in (
        "'promt' (did you mean 'prompt'?)",
        "'cfg_scale' (did you mean 'guidance_scale'?)",
        "'filename' (did you mean 'name'?)",
        "'mood'",
        "--columns",
    ):
        assert near in err
    status, out, _ = cli("batch", "--columns")
    assert status == 0
    assert {"depth", "prompt", "name", "seed", "num_inference_steps"} <= {
        line.split()[0] for line in out.splitlines()
    }
    assert "Also called steps." in out


def test_an_option_and_a_column_of_its_flag_are_one_setting(cli: Run, work: Path) -> None:
    (work / "rows.csv").write_text("depth,prompt,steps\ndepth.npy,p,3\ndepth.npy,q,\n")
    status, out, _ = cli("batch", "rows.csv", "--out", "out", "--steps", 5, "--size", "32x48")
    assert status == 0
    assert [read_record(work / path).settings.num_inference_steps for path in out.splitlines()] == [3, 5]
    for twice in (
        ["--steps", 5, "--set", "num_inference_steps=4"],
        ["--set", "steps=5", "--set", "num_inference_steps=4"],
        ["--steps", 5, "--grid", "steps=2,3"],
        ["--set", "steps=5", "--grid", "num_inference_steps=2,3"],
    ):
        assert cli("batch", "rows.csv", *twice)[0] == 2


def test_a_file_named_as_the_contact_sheet_is_refused_before_painting(cli: Run, work: Path) -> None:
    (work / "rows.csv").write_text("depth,prompt\ndepth.npy,a ball\n")
    (work / "out").mkdir()
    (work / "out" / "contact-sheet.png").write_bytes(b"mine")
    status, out, err = cli("batch", "rows.csv", "--grid", "seed=1,2", "--size", "32x48", "--out", "out")
    assert (status, out) == (8, "")
    assert "did not write it" in err
    assert [path.name for path in (work / "out").iterdir()] == ["contact-sheet.png"]


def test_a_grid_paints_its_product_and_a_contact_sheet(cli: Run, work: Path) -> None:
    (work / "rows.csv").write_text("depth,prompt\ndepth.npy,p\n")
    grid = ("--grid", "guidance=1,2", "--grid", "strength=0.5,1", "--size", "32x48", "--out", "out")
    assert cli("batch", "rows.csv", *grid, "--dry-run")[:2] == (0, "4 rows, 4 pictures\n")
    status, out, _ = cli("batch", "rows.csv", *grid)
    assert status == 0
    *pictures, sheet = out.splitlines()
    assert sheet == "out/contact-sheet.png"
    settings = [read_record(work / path).settings for path in pictures]
    assert {(s.guidance_scale, s.control_strength) for s in settings} == {(1, 0.5), (1, 1), (2, 0.5), (2, 1)}
    status, out, _ = cli("batch", "rows.csv", *grid, "--json")
    assert status == 0
    assert json.loads(out)["contact_sheets"] == ["out/contact-sheet.png"]
    assert json.loads(out)["there"] == 4


@pytest.mark.full
def test_each_score_is_printed_and_in_a_flat_table(cli: Run, work: Path, manifest: Path) -> None:
    arguments = ("batch", manifest, "--out", "out", "--verify-with", "fake", "--csv")
    status, out, err = cli(*arguments, "--best-of", 2)
    assert status == 0
    *pictures, table = out.splitlines()
    assert table == "out/results.csv"
    for picture in pictures:
        assert re.search(
            rf"{Path(picture).name}: depth agreement -?\d.+; seed \d+ agrees best, try [12] of 2", err
        )
    with Path(table).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [Path(picture).name for picture in pictures]
    assert {row["depth"] for row in rows} == {"../maps/one.npy", "../maps/two.npy"}
    assert all(row["most_tries"] == "2" and -1 <= float(row["depth_agreement"]) <= 1 for row in rows)
    # Rows that are painted no more, and pictures of before, are not in it.
    manifest.write_text(manifest.read_text().replace("a cone", "a cube"))
    assert cli(*arguments, "--best-of", 2)[0] == 0
    with Path(table).open(newline="") as file:
        assert sorted(row["prompt"] for row in csv.DictReader(file)) == ["a cube", "a cube", "a red ball"]
    Path(table).write_text("mine")
    painted = len(list(Path("out").glob("*.png")))
    manifest.write_text(manifest.read_text() + "one.npy,a ring,4\n")
    assert cli(*arguments, "--best-of", 2)[0] == 8
    assert len(list(Path("out").glob("*.png"))) == painted
