"""Painting on Ray: the cluster, and actors that hold models and are replaced when one dies."""

from __future__ import annotations

import atexit
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from math import ceil
from os import chdir, environ
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from depthpaint.batch.job import Job
from depthpaint.batch.painting import OnePainter, Outcome, Painted, Painters
from depthpaint.core.errors import DepthpaintError, ErrorCode, InternalError, ParameterError, not_installed
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime

MOST_TRIES = 3
"""A row that ends its painter so often is not given to another one."""

AHEAD = 8
"""Pictures a painter may be ahead of the slowest one: so many lines wait for their turn in the ledger."""

ANSWER = 60.0
"""Seconds that Ray has for a call. No call waits for a picture, so slow pictures do not count."""

PIECE = 0.1
"""Seconds that the main thread waits at a time."""

LOOK = 5.0
"""Seconds without a picture after which the program checks that its node is still there."""


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


class _Cluster:
    """Calls of Ray that end: with an answer, or with the error that the cluster is gone.

    Ray may block for ever once a node is lost, and also waits for ever for an actor that no node has room
    for. Calls run in threads that may be left behind, so that signals reach the main thread meanwhile.
    """

    def __init__(self, ray: Any) -> None:
        self.ray = ray
        self._node: str = self.call(lambda: ray.get_runtime_context().get_node_id())
        self._looked = time.monotonic()

    def call(self, function: Callable[..., Any], *arguments: Any, limit: float | None = None) -> Any:
        """What the function returns. Raises RayActorError, and DepthpaintError for a cluster that is gone."""
        return call(self.ray, partial(function, *arguments), ANSWER if limit is None else limit)

    def done(self, references: list[Any]) -> list[Any]:
        """Those of the references that are done, after at most half a second.

        Raises DepthpaintError: nothing is done, and this program's node is lost, or does not answer.
        """
        ready, _ = self.call(partial(self.ray.wait, references, num_returns=1, timeout=0.5))
        now = time.monotonic()
        if ready:
            self._looked = now
        elif now - self._looked >= LOOK:
            nodes = self.call(self.ray.nodes)
            if not any(node["Alive"] for node in nodes if node["NodeID"] == self._node):
                raise gone("Ray is gone: it has lost the node that this program runs on")
            self._looked = time.monotonic()
        return ready


class RayPainters:
    """Fulfils `painting.Painters` with a number of actors; one that dies is replaced."""

    def __init__(
        self, ray: Any, make_engine: Callable[[], Engine], workers: int, needs: dict[str, float]
    ) -> None:
        self._cluster = _Cluster(ray)
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
                self._cluster.call(self._ray.kill, actor, limit=PATIENCE)

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


def call(ray: Any, function: Callable[[], Any], limit: float) -> Any:
    """What the function returns, which is given so many seconds; it is left behind in its thread after that.

    Raises DepthpaintError for what Ray raises, but for RayActorError: the caller replaces the actor.
    """
    answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            answers.put((function(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            answers.put((None, error))

    Thread(target=work, daemon=True).start()
    # In short pieces: a signal that comes just before one begins is handled after it, and of the time for
    # which this process is stopped, as by Ctrl-Z, only one piece counts.
    for _ in range(ceil(limit / PIECE)):
        with suppress(Empty):
            answer, error = answers.get(timeout=PIECE)
            break
    else:
        raise gone(f"Ray is gone: it has not answered for {limit:g} s")
    try:
        if error is not None:
            raise error
    except ray.exceptions.RayActorError:
        raise
    except (ConnectionError, ray.exceptions.RayError) as error:
        raise gone(f"Ray is gone: {_first_line(error)}") from error
    return answer


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]


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
    except Exception as error:
        raise gone(f"Ray cannot be reached at {address}: {_first_line(error)}") from error
    try:
        painters = _started(ray, runtime, workers, make_engine)
        try:
            yield painters
        finally:
            painters.close()
    finally:
        _leave(ray)


def _leave(ray: Any) -> None:
    """Disconnect, and end what was started here. Where Ray blocks, it is not called again at the exit.

    The processes of a cluster that was started here are ended then by another handler of Ray's.
    """
    try:
        call(ray, ray.shutdown, ANSWER)
    except DepthpaintError:
        atexit.unregister(ray.shutdown)


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
    """Raise not_ready if nothing listens at a host and port: Ray itself takes minutes to notice."""
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
    there: dict[str, float] = call(ray, ray.cluster_resources, ANSWER)
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
