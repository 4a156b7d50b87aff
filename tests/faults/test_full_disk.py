"""A disk that is really full, wherever it happens: a typed error, nothing lost, and a run that completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from full_disk import fill, mounted

from depthpaint.batch.manifest import Shard
from depthpaint.batch.progress import Notes
from depthpaint.core.errors import ErrorCode, OutputError, ParameterError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs, as Linux does")

PAINT = """
import sys
from depthpaint.cli import painting
from depthpaint.cli.main import run
from depthpaint.engine import Engine
from fake_painter import FakeEstimator, FakePainter, offering

painting.make_engine = lambda runtime=None: Engine(offering(FakePainter()), FakeEstimator, runtime)
sys.exit(run(sys.argv[1:]))
"""
BLOCK = 4096
WHOLE = Path("side/whole")
"""The depth map is at the same place relative to it as to disk/out, and so it is in the records."""


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A file system of 1 MB; the working folder, with depth.npy and rows.csv, is outside it."""
    monkeypatch.chdir(tmp_path)
    np.save("depth.npy", np.linspace(0, 1, 32 * 48, dtype=np.float32).reshape(32, 48))
    rows = "".join(f"depth.npy,ball {k},{k},64x96,2,p{k}\n" for k in range(8))
    Path("rows.csv").write_text("depth,prompt,seed,size,num_inference_steps,name\n" + rows)
    with mounted(tmp_path / "disk", "-o", "size=1m") as folder:
        yield folder


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the program with a painter that has no weights."""
    tests = str(Path(__file__).parents[1])  # where the fake painter is
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((tests, os.environ.get("PYTHONPATH", "")))}
    command = [sys.executable, "-c", PAINT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def pictures(folder: str | Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).glob("*.png")}


@pytest.mark.full
@pytest.mark.parametrize("blocks", [0, 5, pytest.param(None, marks=pytest.mark.full)])
def test_a_batch_on_a_full_disk(disk: Path, blocks: int | None) -> None:
    for room in range(1, 34, 3) if blocks is None else [blocks]:
        batch_on_a_full_disk(disk, room)
        shutil.rmtree(disk / "out")


def batch_on_a_full_disk(disk: Path, blocks: int) -> None:
    """With more and more room it is full at the header, at a picture, in its midst, at the ledger."""
    if not WHOLE.exists():
        assert call("batch", "rows.csv", "--out", WHOLE).returncode == 0
    out = disk / "out"
    out.mkdir()
    filler = fill(disk, blocks * BLOCK)
    done = call("batch", "rows.csv", "--out", out)
    assert done.returncode == 6, done.stderr
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    whole, there = pictures(WHOLE), pictures(out)
    assert len(there) < len(whole)
    assert there.items() <= whole.items(), "what is there is whole"
    assert not list(out.glob(".tmp-*"))
    filler.unlink()
    assert call("batch", "rows.csv", "--out", out).returncode == 0
    assert pictures(out) == whole
    assert (out / "records.jsonl").read_bytes() == (WHOLE / "records.jsonl").read_bytes()


@pytest.mark.parametrize("name", ["failures", "times"])
def test_a_disk_that_the_notes_fill(disk: Path, name: str) -> None:
    """The line that does not fit is a full disk, every line before it is whole, and closing is no error."""
    notes = Notes(disk, Shard())
    fill(disk, BLOCK)
    refused = ParameterError("no such sampler", code=ErrorCode.INVALID_PARAMETER)
    with pytest.raises(OutputError) as full:
        for line in range(1000):
            if name == "failures":
                notes.failed(line, refused)
            else:
                notes.took(f"{line}.png", {"denoise": 1.0})
    notes.close()
    assert full.value.code is ErrorCode.DISK_FULL
    lines = (disk / f"{name}.jsonl").read_bytes()
    assert lines.endswith(b"\n")
    assert lines.count(b"\n") > 10


@pytest.mark.full
@pytest.mark.parametrize("blocks", range(0, 30, 5))
def test_several_pictures_on_a_full_disk(disk: Path, blocks: int) -> None:
    fill(disk, blocks * BLOCK)
    done = call(
        "generate", "depth.npy", "a ball", "--count", 8, "--size", "64x96", "--steps", 2, "--sidecar",
        "--out", disk / "out",
    )  # fmt: skip
    assert done.returncode == 6, done.stderr
    assert "No space left" in done.stderr
    there = sorted((disk / "out").glob("*.png"))
    assert sorted(done.stdout.split()) == [str(path) for path in there][: len(done.stdout.split())]
    assert all(path.stat().st_size for path in disk.rglob("*"))
    assert not list(disk.rglob(".tmp-*"))


@pytest.mark.full
@pytest.mark.parametrize("what", ["report", "study", "inspect", "export"])
def test_other_outputs_on_a_full_disk(disk: Path, what: str) -> None:
    call("batch", "rows.csv", "--out", "whole")
    fill(disk, 3 * BLOCK)
    out = disk / "out"
    command = {
        "report": ["report", "whole", "--out", out],
        "study": ["study", "aspect", "depth.npy", "a ball", "--set", "num_inference_steps=2", "--out", out],
        "inspect": ["inspect", "large.npy", "--near", "white", "--as", out / "depth.npy"],
        "export": ["models", "export", "diorama", out],
    }[what]
    np.save("large.npy", np.random.default_rng(1).random((64, 128), dtype=np.float32))
    done = call(*command)
    assert done.returncode == 6, done.stderr
    assert "No space left" in done.stderr
    assert not list(disk.rglob(".tmp-*"))
