"""Painting a batch on Ray: actors that hold models and are replaced when one dies."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from os import chdir
from pathlib import Path
from typing import Any

from depthpaint.batch.job import Job
from depthpaint.batch.painting import OnePainter, Outcome, Painted, Painters
from depthpaint.batch.ray_cluster import MOST_TRIES, Cluster, connected, gone, share_of
from depthpaint.core.errors import DepthpaintError, ErrorCode, InternalError, ParameterError
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime

AHEAD = 8
"""Pictures a painter may be ahead of the slowest one: so many lines wait for their turn in the ledger."""


class PaintingActor:
    """What runs in each of Ray's processes, in the batch's working folder.

    Records name depth files as seen from there, and equal jobs are to have equal records.
    """

    def __init__(self, make_engine: Callable[[], Engine], folder: str) -> None:
        chdir(folder)
        self._painter = OnePainter(make_engine())

    def weights(self, job: Job) -> str | DepthpaintError:
        """Painters.weights; an error is handed over, because Ray wraps what is raised."""
        try:
            return self._painter.weights(job)
        except DepthpaintError as error:
            return error

    def paint_one(self, job: Job) -> Painted | DepthpaintError:
        """OnePainter.paint_one."""
        return self._painter.paint_one(job)


@dataclass(slots=True)
class _Task:
    """A job and what has become of it; `tries` counts the painters that it was given to."""

    job: Job
    tries: int = 0
    outcome: Painted | DepthpaintError | None = None


class RayPainters:
    """Fulfils `painting.Painters` with a number of actors; one that dies is replaced."""

    def __init__(
        self, ray: Any, make_engine: Callable[[], Engine], workers: int, needs: dict[str, float]
    ) -> None:
        self._cluster = Cluster(ray)
        self._ray = ray
        make = ray.remote(PaintingActor).options(**needs).remote
        self._new: Callable[[], Any] = partial(self._cluster.call, make, make_engine, str(Path.cwd()))
        self._idle = [self._new() for _ in range(workers)]
        self._workers = workers
        self._busy: dict[Any, tuple[Any, _Task]] = {}

    def weights(self, job: Job) -> str:
        """Ask one of the actors."""
        actor = self._idle[-1] if self._idle else next(iter(self._busy.values()))[0]
        try:
            reference = self._cluster.call(actor.weights.remote, job)
            while not self._cluster.done([reference]):
                pass
            answer = self._cluster.call(self._ray.get, reference)
        except self._ray.exceptions.RayActorError as error:
            raise gone("a painter on Ray died while it loaded its models") from error
        if isinstance(answer, DepthpaintError):
            raise answer
        return answer

    def paint(self, jobs: Iterator[Job]) -> Iterator[Outcome]:
        """Paint them side by side, and hand each back as soon as it is done."""
        line: deque[_Task] = deque()
        again: deque[_Task] = deque()
        more = True
        while more or line:
            while self._idle and (again or (more and len(line) < self._workers * AHEAD)):
                if again:
                    self._give(again.popleft())
                elif (job := next(jobs, None)) is None:
                    more = False
                else:
                    line.append(_Task(job))
                    self._give(line[-1])
            for task in self._gather():
                if task.outcome is None:
                    again.append(task)
                else:
                    yield task.job, task.outcome
            while line and line[0].outcome is not None:
                line.popleft()

    def close(self) -> None:
        """End the actors, whatever they are at."""
        with suppress(DepthpaintError):  # a cluster that is gone has no actors
            for actor in (*self._idle, *(actor for actor, _ in self._busy.values())):
                self._cluster.kill(actor)

    def _give(self, task: _Task) -> None:
        actor = self._idle.pop()
        task.tries += 1
        self._busy[self._cluster.call(actor.paint_one.remote, task.job)] = actor, task

    def _gather(self) -> Iterator[_Task]:
        """The tasks that came back; those whose painter died have no outcome, and are to be given again."""
        if not self._busy:
            return
        for reference in self._cluster.done(list(self._busy)):
            actor, task = self._busy.pop(reference)
            try:
                task.outcome = self._cluster.call(self._ray.get, reference)
                self._idle.append(actor)
            except self._ray.exceptions.RayActorError:
                self._idle.append(self._new())
                task.outcome = None if task.tries < MOST_TRIES else _poison()
            yield task


def _poison() -> InternalError:
    return InternalError(
        f"its painter died {MOST_TRIES} times over it, so it is left out",
        code=ErrorCode.INTERNAL,
        remedy="paint the row alone with depthpaint generate to see why; often it wants too much memory",
    )


@contextmanager
def painters_on_ray(
    address: str,
    runtime: Runtime,
    workers: int | None = None,
    make_engine: Callable[[], Engine] | None = None,
) -> Generator[RayPainters]:
    """Connect to a cluster, or start one here where `address` is "local"; leave it at the end.

    Without `workers` there is one a GPU, or one a CPU core. Depth files are read by the painters: every
    node must see them by the same path. Raises ParameterError: Ray is missing; DepthpaintError not_ready: it
    cannot be reached, or is gone.
    """
    with connected(address, workers) as ray:
        share = share_of(ray, runtime, workers)
        painters = RayPainters(ray, make_engine or share.make_engine, share.count, share.needs)
        try:
            yield painters
        finally:
            painters.close()


def require_ray_for(workers: int | None, ray: str | None) -> None:
    """Raise ParameterError for a number of workers without --ray."""
    if workers is not None and ray is None:
        raise ParameterError(
            "--workers is given without --ray",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="add --ray local",
        )


@contextmanager
def painters_of(ray: str | None, workers: int | None, engine: Engine) -> Generator[Painters]:
    """`engine`, or the painters that --ray and --workers name, which compute where it does.

    Raises ParameterError, and what Ray's own raise.
    """
    require_ray_for(workers, ray)
    if ray is None:
        yield OnePainter(engine)
        return

    with painters_on_ray(ray, engine.runtime, workers) as painters:
        yield painters
