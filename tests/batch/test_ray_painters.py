"""Retries, order and the loss of a cluster, on something that behaves like Ray and is none."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from batching import content, fake_engine, paint_all, some_rows, write_rows

from depthpaint.batch import ray_cluster
from depthpaint.batch.job import Job
from depthpaint.batch.painting import Stopped
from depthpaint.batch.ray_cluster import MOST_TRIES
from depthpaint.batch.ray_painters import RayPainters, painters_on_ray
from depthpaint.core.errors import DepthpaintError, ErrorCode
from depthpaint.models.painter import Runtime


class RayError(Exception):
    """What Ray raises."""


class RayActorError(RayError):
    """What Ray raises where an actor died."""


class LikeRay:
    """Actors live in this process and are done at once; the last given job is handed back first.

    `deadly` says of a seed how many painters die over it; after `lives` jobs the cluster is lost.
    """

    exceptions = SimpleNamespace(RayError=RayError, RayActorError=RayActorError)
    node_is_there = True

    def __init__(self, deadly: dict[int, int] | None = None, lives: int = 10**6) -> None:
        self.given: list[int] = []
        self.made = 0
        self.most_at_once = 0
        self._deadly, self._lives = deadly or {}, lives

    def remote(self, kind: type[Any]) -> Any:
        def make(*arguments: Any) -> Any:
            self.made += 1
            actor = kind(*arguments)

            def paint(job: Job) -> Any:
                return self._paint(actor, job)

            return SimpleNamespace(weights=self._later(actor.weights), paint_one=self._later(paint))

        def options(**needs: float) -> Any:
            return SimpleNamespace(remote=make)

        return SimpleNamespace(options=options)

    def wait(self, references: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        self.most_at_once = max(self.most_at_once, len(references))
        self._lives -= 1
        if self._lives < 0:
            raise RayError("the head is gone\nand much more")
        return references[-num_returns:], references[:-num_returns]

    def get(self, reference: Any) -> Any:
        return reference()

    def kill(self, actor: Any) -> None:
        self.made -= 1

    def get_runtime_context(self) -> Any:
        return SimpleNamespace(get_node_id=lambda: "here")

    def nodes(self) -> list[dict[str, object]]:
        return [{"NodeID": "there", "Alive": True}, {"NodeID": "here", "Alive": self.node_is_there}]

    def _paint(self, actor: Any, job: Job) -> Any:
        (seed,) = job.request.seeds
        self.given.append(seed)
        if self._deadly.get(seed, 0) > 0:
            self._deadly[seed] -= 1
            raise RayActorError
        return actor.paint_one(job)

    def _later(self, call: Callable[..., Any]) -> Any:
        class Reference:
            def __init__(self, *arguments: Any) -> None:
                self._arguments = arguments

            def __call__(self) -> Any:
                return call(*self._arguments)

        return SimpleNamespace(remote=Reference)


def painters(ray: LikeRay, workers: int = 3) -> RayPainters:
    return RayPainters(ray, fake_engine, workers, {"num_cpus": 1.0})


@pytest.mark.full
@pytest.mark.parametrize("workers", [1, 3, 40])
def test_whoever_is_done_first_files_and_ledger_are_the_same(maps: Path, workers: int) -> None:
    path, ray = write_rows("m.jsonl", some_rows(20) + some_rows(20)), LikeRay()
    paint_all(path, "here")
    assert paint_all(path, painters=painters(ray, workers)).counts == (20, 20, 0)
    assert content() == content("here")
    assert sorted(ray.given) == list(range(20))
    assert ray.most_at_once == min(workers, 20)


def test_a_row_whose_painter_died_is_painted_by_another(maps: Path) -> None:
    path, ray = write_rows("m.jsonl", some_rows(8)), LikeRay({3: 1, 6: MOST_TRIES - 1})
    paint_all(path, "here")
    crew = painters(ray)
    assert paint_all(path, painters=crew).counts == (8, 0, 0)
    assert content() == content("here")
    assert sorted(ray.given) == sorted([*range(8), 3, *[6] * (MOST_TRIES - 1)])
    crew.close()
    assert ray.made == MOST_TRIES, "as many are left as died, the others were ended"


def test_a_poisoned_row_is_left_out_and_the_others_are_painted(maps: Path) -> None:
    path, ray = write_rows("m.jsonl", some_rows(8)), LikeRay({3: 99})
    told = paint_all(path, painters=painters(ray))
    assert told.counts == (7, 0, 1)
    assert "died 3 times" in str(told.failures[0][1])
    assert ray.given.count(3) == MOST_TRIES


@pytest.mark.full
def test_a_lost_cluster_ends_the_batch_and_what_is_painted_stays(maps: Path) -> None:
    path = write_rows("m.jsonl", some_rows(30))
    paint_all(path, "here")
    with pytest.raises(DepthpaintError, match="Ray is gone: the head is gone;") as lost:
        paint_all(path, painters=painters(LikeRay(lives=20)))
    assert lost.value.code is ErrorCode.NOT_READY
    there = len(list(Path("out").glob("*.png")))
    assert 0 < there < 30
    assert paint_all(path, painters=painters(LikeRay())).counts == (30 - there, there, 0)
    assert content() == content("here")


class Hanging(LikeRay):
    """After so many answers, the calls of `which` block until the end of the test."""

    def __init__(self, which: str, answers: int = 0) -> None:
        super().__init__()
        self._which, self._answers = which, answers
        self.end, self.begun = threading.Event(), threading.Event()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name != self._which:
            return super().__getattribute__(name)
        self._answers -= 1
        return super().__getattribute__("_hang" if self._answers < 0 else name)

    def _hang(self, *arguments: Any, **options: Any) -> None:
        self.begun.set()
        self.end.wait()

    def init(self, **settings: object) -> None:
        """Ray's own."""

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def shutdown(self) -> None:
        """Ray's own."""


@pytest.fixture
def hanging() -> Iterator[Callable[..., Hanging]]:
    """Make a Ray that hangs, and let it go on at the end of the test."""
    made: list[Hanging] = []

    def make(which: str, answers: int = 0) -> Hanging:
        made.append(Hanging(which, answers))
        return made[-1]

    yield make
    for ray in made:
        ray.end.set()


Hang = Callable[..., Hanging]


@pytest.mark.parametrize("which", ["wait", "get"])
def test_a_call_that_never_returns_ends_the_batch_and_what_is_painted_stays(
    maps: Path, monkeypatch: pytest.MonkeyPatch, hanging: Hang, which: str
) -> None:
    monkeypatch.setattr(ray_cluster, "ANSWER", 0.5)
    path = write_rows("m.jsonl", some_rows(10))
    with pytest.raises(DepthpaintError, match="it has not answered for") as lost:
        paint_all(path, painters=painters(hanging(which, answers=4)))
    assert lost.value.code is ErrorCode.NOT_READY
    assert lost.value.exit_status == 6
    assert len(list(Path("out").glob("*.png"))) == 4
    assert paint_all(path).counts == (6, 4, 0)


@pytest.mark.parametrize("which", ["kill", "shutdown"])
def test_leaving_a_cluster_that_never_answers_comes_to_an_end(
    maps: Path, monkeypatch: pytest.MonkeyPatch, hanging: Hang, which: str
) -> None:
    monkeypatch.setattr(ray_cluster, "ANSWER", 0.5)
    monkeypatch.setattr(ray_cluster, "PATIENCE", 0.5)
    ray = hanging(which)
    monkeypatch.setitem(sys.modules, "ray", cast("Any", ray))
    with painters_on_ray("local", Runtime(), 2, fake_engine) as crew:
        assert paint_all(write_rows("m.jsonl", some_rows(3)), painters=crew).counts == (3, 0, 0)
    assert ray.begun.is_set()


class Waiting(LikeRay):
    """Never hands anything back, as for a painter that no node has room for."""

    node_is_there = False

    def wait(self, references: list[Any], num_returns: int, timeout: float) -> Any:
        return [], references


@pytest.mark.parametrize("what", ["pictures", "weights"])
def test_a_node_that_is_lost_ends_the_batch_where_nothing_comes(
    maps: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(ray_cluster, "LOOK", 0.0)
    crew = painters(Waiting())
    with pytest.raises(DepthpaintError, match="lost the node that this program runs on") as lost:
        if what == "weights":
            crew.weights(cast("Job", None))
        else:
            paint_all(write_rows("m.jsonl", some_rows(3)), painters=crew)
    assert lost.value.code is ErrorCode.NOT_READY


def test_a_painter_that_dies_over_the_weights_is_an_error_of_the_cluster(maps: Path) -> None:
    class Dying(LikeRay):
        def get(self, reference: Any) -> Any:
            raise RayActorError

    with pytest.raises(DepthpaintError, match="died while it loaded") as lost:
        painters(Dying()).weights(cast("Job", None))
    assert lost.value.code is ErrorCode.NOT_READY


def test_slow_pictures_are_waited_for(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "LOOK", 0.0)

    class Slow(LikeRay):
        waits = 0

        def wait(self, references: list[Any], num_returns: int, timeout: float) -> Any:
            self.waits += 1
            return ([], references) if self.waits % 10 else super().wait(references, num_returns, timeout)

    ray = Slow()
    assert paint_all(write_rows("m.jsonl", some_rows(3)), painters=painters(ray)).counts == (3, 0, 0)
    assert ray.waits == 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_batch_while_ray_is_waited_for(
    maps: Path, hanging: Hang, number: signal.Signals
) -> None:
    ray, path = hanging("wait", answers=1), write_rows("m.jsonl", some_rows(3))

    def send() -> None:
        ray.begun.wait()
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(Stopped) as stopped:
        paint_all(path, painters=painters(ray))
    sender.join()
    assert stopped.value.number == number
    assert len(list(Path("out").glob("*.png"))) == 1


def test_an_error_comes_back_as_itself(maps: Path) -> None:
    rows = some_rows(3)
    Path("bad.npy").write_bytes(b"\x93NUMPY nonsense")
    rows[1]["depth"] = "bad.npy"
    ((line, error),) = paint_all(write_rows("m.jsonl", rows), painters=painters(LikeRay())).failures
    assert (line, error.code) == (2, ErrorCode.DEPTH_UNREADABLE)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Version mismatch: the cluster runs another Ray\nThis process has ..."),
        ConnectionError("Could not find any running Ray instance"),
        RayError("The object store is full\nmuch more"),
        Exception("The current node timed out during startup\nmuch more"),
    ],
)
def test_a_cluster_that_does_not_take_us_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Refusing(LikeRay):
        def init(self, **settings: object) -> None:
            raise error

    monkeypatch.setitem(sys.modules, "ray", cast("Any", Refusing()))
    first = str(error).splitlines()[0]
    with pytest.raises(DepthpaintError, match=first) as refused, painters_on_ray("local", Runtime()):
        raise AssertionError
    assert refused.value.code is ErrorCode.NOT_READY
    assert "\n" not in str(refused.value)
