"""Painting on Ray: each painter is an actor that holds its models; one that dies is replaced."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from os import chdir
from pathlib import Path
from typing import Any

from depthpaint.batch.job import Job
from depthpaint.batch.painting import OnePainter, Outcome, Painted
from depthpaint.batch.stopping import Stopped
from depthpaint.core.errors import DepthpaintError, ErrorCode, InternalError
from depthpaint.engine import Engine

MOST_TRIES = 3
"""A row that ends its painter so often is not given to another one."""

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
        self._ray = ray
        self._new: Callable[[], Any] = partial(
            ray.remote(PaintingActor).options(**needs).remote, make_engine, str(Path.cwd())
        )
        self._idle = [self._new() for _ in range(workers)]
        self._workers = workers
        self._busy: dict[Any, tuple[Any, _Task]] = {}

    def weights(self, job: Job) -> str:
        """Ask one of the actors."""
        actor = self._idle[-1] if self._idle else next(iter(self._busy.values()))[0]
        with told(self._ray):
            answer = self._ray.get(actor.weights.remote(job))
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
        for actor in (*self._idle, *(actor for actor, _ in self._busy.values())):
            self._ray.kill(actor)

    def _give(self, task: _Task) -> None:
        actor = self._idle.pop()
        task.tries += 1
        with told(self._ray):
            self._busy[actor.paint_one.remote(task.job)] = actor, task

    def _gather(self) -> Iterator[_Task]:
        """The tasks that came back; those whose painter died have no outcome, and are to be given again."""
        if not self._busy:
            return
        with told(self._ray):
            ready, _ = self._ray.wait(list(self._busy), num_returns=1, timeout=1.0)
        for reference in ready:
            actor, task = self._busy.pop(reference)
            try:
                with told(self._ray):
                    task.outcome = self._ray.get(reference)
                self._idle.append(actor)
            except self._ray.exceptions.RayActorError:
                self._idle.append(self._new())
                task.outcome = None if task.tries < MOST_TRIES else _poison()
            yield task


@contextmanager
def told(ray: Any) -> Generator[None]:
    """What Ray raises becomes one sentence; that an actor died is the caller's to mend."""
    try:
        yield
    except ray.exceptions.RayActorError:
        raise
    except SystemError as error:
        # Ray's C code returns a result although the handler of a signal has raised in the midst of it.
        if isinstance(error.__cause__, Stopped):
            raise error.__cause__ from None
        raise
    except ray.exceptions.RayError as error:
        why = str(error).strip().split("\n")[0][:200]
        raise gone(f"Ray is gone: {why}") from error


def gone(message: str) -> DepthpaintError:
    """The error for a cluster that cannot be reached, or no more."""
    return DepthpaintError(
        message,
        code=ErrorCode.NOT_READY,
        remedy="see to the cluster and run the same command again: what is painted stays",
    )


def _poison() -> InternalError:
    return InternalError(
        f"its painter died {MOST_TRIES} times over it, so it is left out",
        code=ErrorCode.INTERNAL,
        remedy="paint the row alone with depthpaint generate to see why; often it wants too much memory",
    )
