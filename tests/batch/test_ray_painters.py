"""Retries, order and the loss of a cluster, on something that behaves like Ray and is none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from batching import content, fake_engine, paint_all, some_rows, write_rows

from depthpaint.batch.job import Job
from depthpaint.batch.painting import Stopped
from depthpaint.batch.ray_painters import MOST_TRIES, RayPainters, painters_on_ray
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


def test_a_signal_that_ray_swallows_ends_the_batch(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(*arguments: Any, **options: Any) -> Any:
        raise SystemError("returned a result with an exception set") from Stopped(15)

    ray = LikeRay()
    monkeypatch.setattr(ray, "wait", wait)
    with pytest.raises(Stopped) as stopped:
        paint_all(write_rows("m.jsonl", some_rows(3)), painters=painters(ray))
    assert stopped.value.number == 15


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
