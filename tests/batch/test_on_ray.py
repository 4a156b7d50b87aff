"""The same batch on Ray: identical files, a killed painter, a row that kills its painters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from batching import content, fake_engine, paint_all, some_rows, write_rows

from depthpaint.batch.ray_cluster import MOST_TRIES
from depthpaint.batch.ray_painters import painters_on_ray
from depthpaint.core.errors import DepthpaintError, ErrorCode
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime
from depthpaint.record.result import Result
from depthpaint.request import Request
from running import running

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.full,
    pytest.mark.enable_socket,
    # Ray leaves a few files and sockets to the end of the process.
    pytest.mark.filterwarnings("ignore"),
]


class Deadly(Engine):
    """Writes down which process paints which seed; ends it over those of `poison`, always or once."""

    def __init__(
        self, folder: str, poison: tuple[int, ...] = (), once: bool = False, seconds: float = 0.02
    ) -> None:
        engine = fake_engine()
        super().__init__(find=engine._find)  # pyright: ignore[reportPrivateUsage]
        self._folder, self._poison, self._once = Path(folder), poison, once
        self._seconds = seconds

    def paint(self, request: Request, on_progress: Any = None) -> Result:
        """Paint, or die."""
        note = self._folder / f"seed-{request.seed}"
        tries = len(note.read_text().splitlines()) if note.exists() else 0
        with note.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if request.seed in self._poison and not (self._once and tries):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self._seconds)
        return super().paint(request, on_progress)


@pytest.fixture
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the painters write down what they paint."""
    import batching

    import fake_painter

    cloudpickle = import_module("ray.cloudpickle")
    # The painters' processes know no tests, so what they need of them travels.
    modules = [batching, fake_painter, import_module(__name__)]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    yield tmp_path_factory.mktemp("notes")
    for module in modules:
        cloudpickle.unregister_pickle_by_value(module)


def test_one_painter_and_four_leave_identical_files(maps: Path, notes: Path) -> None:
    path = write_rows("m.jsonl", some_rows(24))
    paint_all(path, "here")
    for workers in (1, 4):
        (notes / str(workers)).mkdir()
        engine = lambda workers=workers: Deadly(str(notes / str(workers)))  # noqa: E731
        with painters_on_ray("local", Runtime(), workers, engine) as painters:
            assert paint_all(path, f"ray{workers}", painters=painters).counts == (24, 0, 0)
            assert paint_all(path, f"ray{workers}", painters=painters).counts == (0, 24, 0)
        assert content(f"ray{workers}") == content("here")
        processes = {line for file in (notes / str(workers)).iterdir() for line in file.read_text().split()}
        assert len(processes) == workers, "all of them painted"


def test_a_killed_painter_costs_one_more_try_and_a_poisoned_row_is_left_out(maps: Path, notes: Path) -> None:
    path = write_rows("m.jsonl", some_rows(12))
    paint_all(path, "here")
    engine = lambda: Deadly(str(notes), poison=(5,), once=True)  # noqa: E731
    with painters_on_ray("local", Runtime(), 2, engine) as painters:
        assert paint_all(path, "killed", painters=painters).counts == (12, 0, 0)
    assert content("killed") == content("here")
    tries = {file.name: len(file.read_text().split()) for file in notes.iterdir()}
    assert tries == {f"seed-{k}": 2 if k == 5 else 1 for k in range(12)}

    for file in notes.iterdir():
        file.unlink()
    engine = lambda: Deadly(str(notes), poison=(5,))  # noqa: E731
    with painters_on_ray("local", Runtime(), 2, engine) as painters:
        told = paint_all(path, "poisoned", painters=painters)
    assert told.counts == (11, 0, 1)
    ((line, error),) = told.failures
    assert (line, error.code) == (6, ErrorCode.INTERNAL)
    tries = {file.name: len(file.read_text().split()) for file in notes.iterdir()}
    assert tries == {f"seed-{k}": MOST_TRIES if k == 5 else 1 for k in range(12)}
    assert paint_all(path, "poisoned").counts == (1, 11, 0)
    pictures = {name: data for name, data in content("poisoned").items() if name.endswith(".png")}
    assert pictures == {name: data for name, data in content("here").items() if name.endswith(".png")}


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "nonsense"])
def test_a_cluster_that_is_not_there_is_told_at_once(
    maps: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ":" in address:  # Ray itself tries for minutes
        monkeypatch.delattr("ray.init")
    with (
        pytest.raises(DepthpaintError, match="cannot be reached") as refused,
        painters_on_ray(address, Runtime()),
    ):
        raise AssertionError
    assert refused.value.code is ErrorCode.NOT_READY


def test_a_painter_that_is_killed_from_outside_costs_one_more_try(maps: Path, notes: Path) -> None:
    """As the system does it when memory runs out."""
    path = write_rows("m.jsonl", some_rows(12))
    paint_all(path, "here")
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            time.sleep(0.01)
            for note in notes.glob("seed-*"):
                if text := note.read_text():
                    killed.append(int(text.split()[0]))
                    os.kill(killed[0], signal.SIGKILL)
                    return

    killer = threading.Thread(target=kill)
    engine = lambda: Deadly(str(notes), seconds=0.5)  # noqa: E731
    with painters_on_ray("local", Runtime(), 2, engine) as painters:
        killer.start()
        told = paint_all(path, "killed", painters=painters)
    killer.join()
    assert told.counts == (12, 0, 0)
    assert content("killed") == content("here")
    tries = sorted(len(file.read_text().split()) for file in notes.iterdir())
    assert tries == [1] * 11 + [2]


LOST = """
import sys, time
from pathlib import Path
from batching import fake_engine, paint_all
from depthpaint.batch.ray_painters import painters_on_ray
from depthpaint.core.errors import DepthpaintError
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime

class Slow(Engine):
    def paint(self, request, on_progress=None):
        time.sleep(0.3)
        return super().paint(request, on_progress)

def engine():
    return Slow(find=fake_engine()._find)

try:
    with painters_on_ray("local", Runtime(), 2, engine) as painters:
        paint_all(Path("m.jsonl"), "lost", painters=painters)
except DepthpaintError as error:
    print(error.code)
    sys.exit(6)
"""


@pytest.mark.parametrize(
    ("lost", "size"),
    # The larger pictures need the raylet on their way from a painter; the smaller ones may do without it.
    [("gcs_server", "16x24"), ("raylet", "16x24"), ("raylet", "512x512")],
)
def test_a_head_that_is_lost_ends_the_batch_and_the_next_run_completes_it(
    maps: Path, lost: str, size: str
) -> None:
    """Ray may end the program outright then; what is painted stays, whole."""
    path = write_rows("m.jsonl", [{**row, "size": size} for row in some_rows(30)])
    paint_all(path, "here")
    here = Path(__file__).parent
    folders = [str(here), str(here.parent), os.environ.get("PYTHONPATH", "")]
    shared = {"PYTHONPATH": os.pathsep.join(folders)}
    patience = {"RAY_gcs_rpc_server_reconnect_timeout_s": "3"}
    with running(
        [sys.executable, "-c", LOST], seconds=600, env=os.environ | shared | patience,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        while process.poll() is None and len(list(Path("lost").glob("*.png"))) < 3:
            time.sleep(0.05)
        children = psutil.Process(process.pid).children(recursive=True)
        for child in children:
            if child.name().startswith(lost):
                child.kill()
        out, _ = process.communicate()
        _, left = psutil.wait_procs(children, timeout=120)
        assert not left, "processes of the cluster outlive the batch"
    there = {name: data for name, data in content("lost").items() if name.endswith(".png")}
    # Without its raylet a batch may go on with the painters that it has; without the head none does.
    assert (process.returncode == 0) == (len(there) == 30), out
    assert len(there) < 30 or (lost, size) == ("raylet", "16x24")
    assert process.returncode in (0, 6) or lost == "gcs_server", out
    assert len(there) >= 3
    assert there.items() <= content("here").items()
    paint_all(path, "lost")
    assert content("lost") == content("here")


def test_a_store_that_other_data_fills_is_no_hindrance(
    maps: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray moves what does not fit to the disk."""
    ray: Any = import_module("ray")
    path = write_rows("m.jsonl", some_rows(12))
    paint_all(path, "here")
    start, megabytes = ray.init, 1 << 20

    def start_small(**named: Any) -> Any:
        return start(**named, object_store_memory=80 * megabytes)

    monkeypatch.setattr(ray, "init", start_small)
    engine = lambda: Deadly(str(notes))  # noqa: E731
    with painters_on_ray("local", Runtime(), 2, engine) as painters:
        held = [ray.put(np.ones(16 * megabytes, np.uint8)) for _ in range(8)]
        assert paint_all(path, "full", painters=painters).counts == (12, 0, 0)
        assert len(held) == 8
    assert content("full") == content("here")
