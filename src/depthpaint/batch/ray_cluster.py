"""A Ray cluster: connecting to it, leaving it, and calls that end although Ray may block for ever."""

from __future__ import annotations

import atexit
import secrets
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from math import ceil
from os import environ
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError, not_installed
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime

MOST_TRIES = 3
"""A picture that ends its actor so often is not given to another one."""

ANSWER = 60.0
"""Seconds that Ray has for a call. No call waits for a picture, so slow pictures do not count."""

PIECE = 0.1
"""Seconds that the main thread waits at a time."""

LOOK = 5.0
"""Seconds without a picture after which the program checks that its node is still there."""

LOCAL = "local"
PATIENCE = 10.0
"""Seconds that a cluster has for answering."""


class Cluster:
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

    def done(self, references: list[Any], seconds: float = 0.5) -> list[Any]:
        """Those of the references that are done, after at most so many seconds.

        Raises DepthpaintError: nothing is done, and this program's node is lost, or does not answer.
        """
        ready, _ = self.call(partial(self.ray.wait, references, num_returns=1, timeout=seconds))
        now = time.monotonic()
        if ready:
            self._looked = now
        elif now - self._looked >= LOOK:
            nodes = self.call(self.ray.nodes)
            if not any(node["Alive"] for node in nodes if node["NodeID"] == self._node):
                raise gone("Ray is gone: it has lost the node that this program runs on")
            self._looked = time.monotonic()
        return ready

    def kill(self, actor: Any) -> None:
        """End an actor, whatever it is at."""
        self.call(self.ray.kill, actor, limit=PATIENCE)


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


@contextmanager
def connected(address: str, workers: int | None = None) -> Generator[Any]:
    """Ray's module, connected to a cluster, or to one that is started here where `address` is "local".

    `workers` is then its number of CPU cores. Raises ParameterError: Ray is missing; DepthpaintError
    not_ready: it cannot be reached.
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
        yield ray
    finally:
        _leave(ray)


@dataclass(frozen=True, slots=True)
class Share:
    """How many actors paint, what each needs of a node, and how it makes its engine."""

    count: int
    needs: dict[str, float]
    make_engine: Callable[[], Engine]


def share_of(ray: Any, runtime: Runtime, workers: int | None) -> Share:
    """`workers` actors; without a number one a GPU, or one a CPU core."""
    there: dict[str, float] = call(ray, ray.cluster_resources, ANSWER)
    gpus = 0 if runtime.device == "cpu" else int(there.get("GPU", 0))
    # A GPU that fewer actors than it has memory for could share is left whole: models are large.
    needs: dict[str, float] = {"num_gpus": 1.0, "num_cpus": 1.0} if gpus else {"num_cpus": 1.0}
    # As many painters as cores are a thread each: more would only wait for each other.
    threads = runtime.threads or (0 if gpus else 1)
    engine = partial(Engine, runtime=replace(runtime, threads=threads))
    return Share(workers or gpus or int(there.get("CPU", 1)), needs, engine)


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
