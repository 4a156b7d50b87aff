"""Where nothing can be written, a command says so with a typed error, before any model is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from full_disk import read_only

from depthpaint.cli import painting
from depthpaint.cli.main import run
from depthpaint.core.errors import DepthpaintError
from depthpaint.engine import Engine
from depthpaint.models.diorama import family
from fake_painter import FakeEstimator, FakePainter, offering

COMMANDS: dict[str, Callable[[str], list[str]]] = {
    "generate": lambda out: ["generate", "depth.npy", "a ball", "--out", out],
    "batch": lambda out: ["batch", "rows.csv", "--out", out],
    "inspect": lambda out: ["inspect", "depth.npy", "--as", f"{out}/depth.npy"],
    "study": lambda out: ["study", "aspect", "depth.npy", "a ball", "--out", out],
    "export": lambda out: ["models", "export", "diorama", f"{out}/model"],
    "report": lambda out: ["report", "painted", "--out", out],
}


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePainter:
    """The working folder, and a painter that counts what is asked of it."""
    monkeypatch.chdir(tmp_path)
    np.save("depth.npy", np.linspace(0, 1, 96 * 128, dtype=np.float32).reshape(96, 128))
    Path("rows.csv").write_text("depth,prompt,size,num_inference_steps\ndepth.npy,a ball,32x48,2\n")
    painter = FakePainter()
    engine = Engine(find=offering(painter), load_estimator=FakeEstimator)

    def make_engine(runtime: object = None) -> Engine:
        return engine

    def start_nothing(model: str, threads: int) -> None:
        return None

    monkeypatch.setattr(painting, "make_engine", make_engine)
    monkeypatch.setattr(family, "start_loading", start_nothing)
    assert run(["batch", "rows.csv", "--out", "painted", "-q"]) == 0
    painter.calls.clear()
    return painter


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    "out",
    ["rows.csv", "rows.csv/below", "n" * 256, "n/" * 2100, "/proc/nowhere/x", "dangling/x"],
    ids=["a file", "below a file", "a long name", "a long path", "where nothing is made", "a dangling link"],
)
def test_it_is_refused_before_a_model_is_loaded(
    loaded: FakePainter, capsys: pytest.CaptureFixture[str], command: Callable[[str], list[str]], out: str
) -> None:
    Path("dangling").symlink_to("gone/by/now")
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    capsys.readouterr()
    status = run(command(out))
    told = capsys.readouterr().err
    assert status in (6, 8), told
    assert "Traceback" not in told
    assert not loaded.calls
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


@pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_read_only_folder(
    loaded: FakePainter, capsys: pytest.CaptureFixture[str], command: Callable[[str], list[str]]
) -> None:
    Path("out").mkdir()
    with read_only(Path("out").resolve()):
        status = run(command("out"))
        told = capsys.readouterr().err
    assert status == 6, told
    assert "Read-only" in told
    assert not loaded.calls


@pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")
@pytest.mark.parametrize("name", ["records", "times"])
def test_a_read_only_file_of_a_batch(
    loaded: FakePainter, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = Path(f"painted/{name}.jsonl")
    before = file.read_bytes()
    Path("rows.csv").write_text("depth,prompt,size,num_inference_steps\ndepth.npy,a cube,32x48,2\n")
    with read_only(file.resolve()):
        assert run(["batch", "rows.csv", "--out", "painted"]) == 6
    assert "Read-only" in capsys.readouterr().err
    assert file.read_bytes() == before
    assert run(["batch", "rows.csv", "--out", "painted"]) == 0
    assert file.read_bytes().startswith(before)


def test_a_strangers_report_and_study_are_not_replaced(
    loaded: FakePainter, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, command in (
        ("report.html", ["report", "painted"]),
        ("report.pdf", ["report", "painted", "--pdf"]),
        ("study.json", ["study", "aspect", "depth.npy", "a ball", "--out", "painted"]),
        ("report.html", ["study", "aspect", "depth.npy", "a ball", "--out", "painted"]),
    ):
        mine = Path("painted", name)
        mine.write_bytes(b"<!doctype html>mine")
        assert run(command) == 8
        assert name in capsys.readouterr().err
        assert mine.read_bytes() == b"<!doctype html>mine"
        mine.unlink()
    for command in (["report", "painted", "--html", "--pdf"],) * 2:
        assert run(command) == 0, capsys.readouterr().err


def test_a_depth_map_is_never_replaced_by_what_is_made_of_it(loaded: FakePainter) -> None:
    before = Path("depth.npy").read_bytes()
    assert run(["inspect", "depth.npy", "--as", "depth.npy", "--overwrite"]) == 8
    assert Path("depth.npy").read_bytes() == before


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_working_folder_that_was_deleted(
    loaded: FakePainter, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    command: Callable[[str], list[str]],
) -> None:  # fmt: skip
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    words = [
        str(tmp_path / word) if word in ("depth.npy", "rows.csv", "painted") else word
        for word in command("out")
    ]
    try:
        status = run(words)
    except DepthpaintError as error:
        raise AssertionError from error
    assert status in (3, 6, 8), capsys.readouterr().err
