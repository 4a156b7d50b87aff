from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from depthpaint.cli import painting
from depthpaint.cli.main import run
from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama import family
from depthpaint.models.painter import ModelEntry, Runtime
from depthpaint.models.registry import find_model
from fake_painter import FakeEstimator, FakePainter, offering

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that holds depth.npy, a ramp of 96 x 128."""
    monkeypatch.chdir(tmp_path)
    np.save("depth.npy", np.linspace(0, 1, 96 * 128, dtype=np.float32).reshape(96, 128))
    return tmp_path


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> FakePainter:
    """The fake that every command of the test paints with."""
    fake = FakePainter()

    def found(choice: ModelChoice) -> ModelEntry:
        return replace(find_model(choice), load=offering(fake)(choice).load)

    def make_engine(runtime: Runtime | None = None) -> Engine:
        return Engine(find=found, load_estimator=FakeEstimator, runtime=runtime)

    def start_nothing(model: str, runtime: Runtime) -> None:
        del model, runtime

    monkeypatch.setattr(painting, "make_engine", make_engine)
    monkeypatch.setattr(family, "start_loading", start_nothing)
    return fake


@pytest.fixture
def cli(work: Path, painter: FakePainter, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in the working folder: (exit status, stdout, stderr)."""
    assert work.exists()
    assert not painter.calls

    def call(*arguments: object) -> tuple[int, str, str]:
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return status, captured.out, captured.err

    return call


@pytest.fixture
def program(work: Path) -> list[str]:
    """The program as a real process; it runs in the working folder."""
    assert work.exists()
    return [sys.executable, "-m", "depthpaint"]
