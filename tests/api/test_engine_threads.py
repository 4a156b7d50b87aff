"""One engine in several threads: a model is loaded once, pictures are those of one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Thread

import numpy as np
import pytest
from numpy.typing import NDArray

import depthpaint
from depthpaint.core.geometry import Extent
from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.models.estimators.estimator import Estimator
from depthpaint.models.painter import Floats, ModelEntry, Painter, Runtime
from depthpaint.models.registry import find_model
from depthpaint.picture import Progress
from depthpaint.request import Request
from depthpaint.sampling.drive import Array
from depthpaint.sampling.levels import NoiseLevel
from fake_painter import FakeEstimator, FakePainter, offering

THREADS = 4
PATIENCE = 60.0
"""Seconds after which a deadlock is taken for one; nothing else waits."""


class OneAtATime(FakePainter):
    """Fails where two threads are inside at once; each call lets others run."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0

    def _alone(self) -> None:
        self.inside += 1
        time.sleep(0.001)
        entered, self.inside = self.inside, self.inside - 1
        assert entered == 1, "two threads are in the model"

    def encode_text(self, prompt: str) -> object:
        self._alone()
        return super().encode_text(prompt)

    def prepare_control(self, hints: Mapping[str, Floats], known: Floats | None) -> object:
        self._alone()
        return super().prepare_control(hints, known)

    def predict(
        self, latents: Array, level: NoiseLevel, texts: Sequence[object], residuals: object | None
    ) -> tuple[Array, ...]:
        self._alone()
        return super().predict(latents, level, texts, residuals)


class Loading:
    """Counts how often a model is loaded; loading lets other threads run."""

    def __init__(self, find: Callable[[ModelChoice], ModelEntry]) -> None:
        self.find, self.count = find, 0

    def __call__(self, choice: ModelChoice) -> ModelEntry:
        entry = self.find(choice)

        def load(runtime: Runtime) -> Painter:
            self.count += 1
            time.sleep(0.05)
            return entry.load(runtime)

        return ModelEntry(entry.habits, load, entry.licence, entry.summary, expanded=entry.expanded)


@pytest.fixture
def depth(tmp_path: Path) -> Path:
    path = tmp_path / "depth.npy"
    np.save(path, np.linspace(0, 1, 60 * 100, dtype=np.float32).reshape(60, 100))
    return path


def side_by_side(act: Callable[[int], NDArray[np.uint8]], count: int = THREADS) -> list[NDArray[np.uint8]]:
    """What `act` returns for 0, 1 and so on, each in a thread of its own that starts with the others."""
    start = Barrier(count)

    def started(number: int) -> NDArray[np.uint8]:
        start.wait(PATIENCE)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(started, range(count), timeout=PATIENCE))


@pytest.mark.full
@pytest.mark.parametrize("model", ["fake", "diorama"])
def test_threads_paint_what_one_thread_paints_and_load_once(model: str, depth: Path) -> None:
    find = find_model if model == "diorama" else offering(OneAtATime())
    loading = Loading(find)
    shared, alone = Engine(loading), Engine(find)

    def paint(engine: Engine, number: int) -> NDArray[np.uint8]:
        asked = Request(
            depth=depth, prompt=f"a {('red', 'blue')[number % 2]} house", seed=number, count=2,
            size=Extent(64, 48), near="white",
        )  # fmt: skip
        return np.stack([picture.pixels for picture in engine.paint(asked).pictures])

    together = side_by_side(lambda number: paint(shared, number))
    assert loading.count == 1
    for number, pixels in enumerate(together):
        assert np.array_equal(pixels, paint(alone, number))
    assert not np.array_equal(together[0], together[1])


@pytest.mark.full
def test_the_public_functions_share_one_engine_between_threads(depth: Path) -> None:
    def paint(number: int) -> NDArray[np.uint8]:
        return depthpaint.paint(depth, "a hill", seed=number, size="64x48", near="white").pictures[0].pixels

    for number, pixels in enumerate(side_by_side(paint)):
        assert np.array_equal(pixels, paint(number))


def test_an_estimator_is_loaded_once_and_computes_for_one_thread_at_a_time() -> None:
    loads: list[str] = []
    inside: list[int] = []

    class Slow(FakeEstimator):
        def estimate(self, picture: NDArray[np.uint8]) -> Floats:
            inside.append(1)
            time.sleep(0.002)
            assert len(inside) == 1
            inside.pop()
            return super().estimate(picture)

    def load(name: str) -> Estimator:
        loads.append(name)
        time.sleep(0.02)
        return Slow(name)

    engine = Engine(offering(FakePainter()), load)
    picture = np.zeros((16, 16, 3), np.uint8)
    side_by_side(lambda _: engine.estimate("fake", picture).values.astype(np.uint8))
    assert loads == ["fake"]


def test_pictures_that_nobody_fetches_yet_hold_up_no_other_thread(depth: Path) -> None:
    engine = Engine(offering(FakePainter()))
    asked = Request(depth=depth, prompt="a", count=2, near="white")
    waiting = engine.pictures(engine.prepare(asked))
    next(waiting)
    done = Event()
    Thread(target=lambda: (engine.paint(asked), done.set()), daemon=True).start()
    assert done.wait(PATIENCE), "another thread cannot paint"
    assert next(waiting).pictures[0].seed == 12346


def test_an_end_by_progress_leaves_the_engine_usable_by_others(depth: Path) -> None:
    engine = Engine(offering(FakePainter()), FakeEstimator)
    asked = Request(depth=depth, prompt="a", near="white")

    def stop(progress: Progress) -> None:
        engine.estimate("fake", progress.preview())  # the engine's own thread may use it meanwhile
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.paint(asked, stop)
    done = Event()
    Thread(target=lambda: (engine.paint(asked), done.set()), daemon=True).start()
    assert done.wait(PATIENCE), "another thread cannot paint"
