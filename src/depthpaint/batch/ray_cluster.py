"""The way to a Ray cluster: reached, or started here, and left at the end."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from importlib import import_module
from os import environ
from typing import Any

from depthpaint.batch.ray_painters import RayPainters, gone
from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.engine import Engine
from depthpaint.models.runtime import Runtime

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
        raise ParameterError(
            "--ray needs Ray",
            code=ErrorCode.INVALID_PARAMETER,
            remedy='pip install "depthpaint[ray]", or leave --ray out; --shard spreads rows without it',
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
