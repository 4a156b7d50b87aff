"""A study's grid is painted as a batch is: whoever paints, and whatever fails."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from depthpaint.batch.job import Job
from depthpaint.batch.painting import OnePainter, Outcome
from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime
from depthpaint.request import request_from
from depthpaint.study.painting import PICTURES, Cell, paint_cells
from fake_painter import FakeEstimator, FakePainter, offering


def engine() -> Engine:
    """An engine without weights."""
    return Engine(find=offering(FakePainter()), load_estimator=FakeEstimator)


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    """Six cells of which two ask for one picture."""
    monkeypatch.chdir(tmp_path)
    np.save("depth.npy", np.linspace(0, 1, 32 * 48, dtype=np.float32).reshape(32, 48) ** 2)
    values = {"depth": "depth.npy", "prompt": "a ball", "near": "white", "size": "32x24"}
    seeds = (1, 2, 3, 4, 5, 5)
    return [
        Cell({"number": number}, request_from(values | {"seed": seed, "num_inference_steps": 2}))
        for number, seed in enumerate(seeds)
    ]


def files(folder: str) -> dict[str, bytes]:
    """The pictures of a study."""
    return {path.name: path.read_bytes() for path in Path(folder, PICTURES).iterdir()}


def test_a_picture_of_two_cells_is_painted_once_and_counts_in_both(cells: list[Cell]) -> None:
    told: list[None] = []
    outcomes = paint_cells(
        OnePainter(engine()), engine(), cells, Path("out"), "fake", lambda: told.append(None)
    )
    assert [outcome.cell.labels["number"] for outcome in outcomes] == list(range(6))
    assert len(files("out")) == 5
    assert len(told) == 6
    assert outcomes[4].agreement == outcomes[5].agreement


def test_what_was_painted_before_a_failure_stays_and_is_not_painted_again(cells: list[Cell]) -> None:
    class Failing(OnePainter):
        def __init__(self, broken: bool) -> None:
            super().__init__(engine())
            self.broken, self.painted = broken, 0

        def paint(self, jobs: Iterator[Job]) -> Iterator[Outcome]:
            for job, outcome in super().paint(jobs):
                self.painted += 1
                if self.broken and self.painted == 3:
                    yield job, ModelError("lost", code=ErrorCode.MODEL_NOT_FOUND, remedy="find it")
                yield job, outcome

    with pytest.raises(ModelError, match="lost"):
        paint_cells(Failing(broken=True), engine(), cells, Path("out"), "fake")
    before = files("out")
    assert len(before) == 2
    mended = Failing(broken=False)
    assert len(paint_cells(mended, engine(), cells, Path("out"), "fake")) == 6
    assert mended.painted == 3
    assert before.items() <= files("out").items()


@pytest.mark.full
@pytest.mark.enable_socket
@pytest.mark.filterwarnings("ignore")
def test_on_ray_the_same_files_and_findings_come_of_it(cells: list[Cell]) -> None:
    pytest.importorskip("ray")
    from depthpaint.batch.ray_painters import painters_on_ray

    cloudpickle = import_module("ray.cloudpickle")
    here = paint_cells(OnePainter(engine()), engine(), cells, Path("here"), "fake")
    travelling = [import_module(__name__), import_module("fake_painter")]
    # The painters' processes know no tests, so what they need of them travels.
    for module in travelling:
        cloudpickle.register_pickle_by_value(module)
    try:
        with painters_on_ray("local", Runtime(), 2, partial(engine)) as painters:
            there = paint_cells(painters, engine(), cells, Path("there"), "fake")
    finally:
        for module in travelling:
            cloudpickle.unregister_pickle_by_value(module)
    assert files("there") == files("here")
    assert [one.agreement for one in there] == [one.agreement for one in here]
