"""Painting on Ray: the cluster, and actors that hold models and are replaced when one dies."""

from __future__ import annotations

import secrets
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from os import chdir, environ
from pathlib import Path
from typing import Any

from depthpaint.batch.job import Job
from depthpaint.batch.painting import OnePainter, Outcome, Painted, Painters, Stopped
from depthpaint.core.errors import DepthpaintError, ErrorCode, InternalError, ParameterError, not_installed
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime

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


LOCAL = "local"
PATIENCE = 10.0
"""Seconds that a cluster has for answering."""


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
    if address == LOCAL:
        _keep_to_this_machine()
    try:
        ray = import_module("ray")
    except ImportError as error:
        raise not_installed(
            ParameterError, error, "--ray", "ray", "leave --ray out; --shard spreads rows without it"
        ) from error
    _require_reachable(address)
    try:
        with _without_api_server() if address == LOCAL else nullcontext():
            ray.init(
                address=address, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
                configure_logging=False, num_cpus=workers if address == LOCAL else None,
            )  # fmt: skip
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        why = str(error).strip().split("\n")[0][:200]
        raise gone(f"Ray cannot be reached at {address}: {why}") from error
    try:
        painters = _started(ray, runtime, workers, make_engine)
        try:
            yield painters
        finally:
            painters.close()
    finally:
        ray.shutdown()


def _keep_to_this_machine() -> None:
    """Have a cluster that is started here use the loopback address, and write no file into the home folder.

    Ray reads these while it is imported. Otherwise it opens a connection to 8.8.8.8 to learn the machine's
    address, accepts connections from the network, and writes ~/.ray/auth_token.
    """
    environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # despite its name, on every system
    if "RAY_AUTH_TOKEN_PATH" not in environ:
        environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@contextmanager
def _without_api_server() -> Generator[None]:
    """Start no API server: with the dashboard off, all it does is to ask three clouds whether it runs there.

    (Up to Ray 2.60, whatever RAY_USAGE_STATS_ENABLED says: 169.254.169.254 and metadata.google.internal.)
    """
    try:
        node: Any = import_module("ray._private.node").Node
    except ImportError:  # another version keeps it elsewhere
        yield
        return
    before = node.start_api_server

    def start_nothing(self: Any, **settings: object) -> None:
        del settings
        self._webui_url = ""

    node.start_api_server = start_nothing
    try:
        yield
    finally:
        node.start_api_server = before


def _require_reachable(address: str) -> None:
    """Knock where a host and a port are named: Ray itself takes minutes to find nobody there."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise gone(f"Ray cannot be reached at {address}: {error}") from error


def _started(
    ray: Any, runtime: Runtime, workers: int | None, make_engine: Callable[[], Engine] | None
) -> RayPainters:
    there: dict[str, float] = ray.cluster_resources()
    gpus = 0 if runtime.device == "cpu" else int(there.get("GPU", 0))
    count = workers or gpus or int(there.get("CPU", 1))
    # A GPU that fewer actors than it has memory for could share is left whole: models are large.
    needs: dict[str, float] = {"num_gpus": 1.0, "num_cpus": 1.0} if gpus else {"num_cpus": 1.0}
    # As many painters as cores are a thread each: more would only wait for each other.
    threads = runtime.threads or (0 if gpus else 1)
    engine = partial(Engine, runtime=replace(runtime, threads=threads))
    return RayPainters(ray, make_engine or engine, count, needs)


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
