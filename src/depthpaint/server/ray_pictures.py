"""Painting the server's pictures on the actors of a Ray cluster; one that dies is replaced."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from threading import Event
from typing import Any

from depthpaint.batch.ray_cluster import MOST_TRIES, Cluster, connected, share_of
from depthpaint.core.errors import Cancelled, DepthpaintError, ErrorCode, InternalError
from depthpaint.engine import Engine, Prepared
from depthpaint.models.painter import Runtime
from depthpaint.record.result import Result

_LOOK_SECONDS = 0.1
"""Between two questions how far a picture is."""


class PictureActor:
    """What runs in each of Ray's processes; `at_step` and `stop` are called while it paints."""

    def __init__(self, make_engine: Callable[[], Engine]) -> None:
        self._engine = make_engine()
        self._step = 0
        self._stopped: set[str] = set()

    def paint(self, prepared: Prepared, name: str) -> Result | DepthpaintError:
        """The picture of a plan with one seed; an error is handed over, because Ray wraps what is raised."""
        self._step = 0

        def on_progress(progress: Any) -> None:
            self._step = progress.step
            if name in self._stopped:
                raise Cancelled("the request was cancelled", code=ErrorCode.CANCELLED)

        try:
            return self._engine.run(prepared, on_progress)
        except DepthpaintError as error:
            return error
        finally:
            self._stopped.discard(name)

    def at_step(self) -> int:
        """How many steps of its picture are done."""
        return self._step

    def stop(self, name: str) -> None:
        """End the picture of that name after the step that it is at."""
        self._stopped.add(name)


class RayPictures:
    """Paints plans as Engine.pictures does, `count` at the same time. Called from several threads."""

    def __init__(
        self, ray: Any, make_engine: Callable[[], Engine], count: int, needs: dict[str, float]
    ) -> None:
        self.count = count
        self._ray, self._cluster = ray, Cluster(ray)
        make = ray.remote(PictureActor).options(max_concurrency=2, **needs).remote
        self._new: Callable[[], Any] = partial(self._cluster.call, make, make_engine)
        self._actors = [self._new() for _ in range(count)]
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for actor in self._actors:
            self._idle.put(actor)

    def pictures(
        self, prepared: Prepared, at_step: Callable[[int, int], None], stop: Event
    ) -> Generator[Result]:
        """Each picture of a plan when it is painted. `at_step` is given picture, from 1, and step.

        Raises DepthpaintError: cancelled when `stop` is set, not_ready when the cluster is gone, internal
        where a picture ends its actor MOST_TRIES times.
        """
        for index in range(len(prepared.plan.seeds)):
            seconds = prepared.seconds if index == 0 else 0.0
            one = replace(prepared, plan=prepared.plan.only(index), seconds=seconds)
            yield self._painted(one, partial(at_step, index + 1), stop)

    def close(self) -> None:
        """End the actors, whatever they are at."""
        with suppress(DepthpaintError):  # a cluster that is gone has no actors
            for actor in self._actors:
                self._cluster.kill(actor)

    def _painted(self, prepared: Prepared, at_step: Callable[[int], None], stop: Event) -> Result:
        for _ in range(MOST_TRIES):
            actor = self._idle.get()
            try:
                return self._painted_by(actor, prepared, at_step, stop)
            except self._ray.exceptions.RayActorError:
                self._actors.remove(actor)
                actor = self._new()
                self._actors.append(actor)
            finally:
                self._idle.put(actor)
        raise InternalError(
            f"its painter on Ray died {MOST_TRIES} times over it",
            code=ErrorCode.INTERNAL,
            remedy="ask for a smaller size; often it wants too much memory",
        )

    def _painted_by(
        self, actor: Any, prepared: Prepared, at_step: Callable[[int], None], stop: Event
    ) -> Result:
        call, name, step, told = self._cluster.call, secrets.token_hex(8), 0, False
        picture = call(actor.paint.remote, prepared, name)
        while not self._cluster.done([picture], _LOOK_SECONDS):
            if stop.is_set() and not told:
                call(actor.stop.remote, name)
                told = True
            now: int = call(self._ray.get, call(actor.at_step.remote))
            if now != step:
                step = now
                at_step(step)
        answer: Result | DepthpaintError = call(self._ray.get, picture)
        if isinstance(answer, DepthpaintError):
            raise answer
        return answer


@contextmanager
def pictures_on_ray(
    address: str,
    runtime: Runtime,
    workers: int | None = None,
    make_engine: Callable[[], Engine] | None = None,
) -> Generator[RayPictures]:
    """Connect to a cluster, or start one here where `address` is "local"; leave it at the end.

    Without `workers` there is one actor a GPU, or one a CPU core. Raises ParameterError: Ray is missing;
    DepthpaintError not_ready: it cannot be reached.
    """
    with connected(address, workers) as ray:
        share = share_of(ray, runtime, workers)
        pictures = RayPictures(ray, make_engine or share.make_engine, share.count, share.needs)
        try:
            yield pictures
        finally:
            pictures.close()
