"""Run the server: listen, say where, and end cleanly on a signal."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.engine import Engine
from depthpaint.server.app import make_app
from depthpaint.server.options import ServerOptions
from depthpaint.server.queue import JobQueue

HEAD_SECONDS = 10
"""In which the head of a request must be complete, and after which an idle connection is closed."""
_LAST_SECONDS = 5


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to `serve`: its own handler closes the port at once."""

    def install_signal_handlers(self) -> None:
        """Do nothing."""

    def capture_signals(self) -> Any:
        """Do nothing."""
        from contextlib import nullcontext

        return nullcontext()


def listening(options: ServerOptions) -> socket.socket:
    """The port, taken. Raises OutputError if another program has it."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    port = socket.socket(family, socket.SOCK_STREAM)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        port.bind((options.host.strip("[]"), options.port))
    except OSError as error:
        port.close()
        raise OutputError(
            f"cannot listen on {options.host}:{options.port}: {error.strerror or error}",
            code=ErrorCode.OUTPUT_LOCKED,
            value=options.port,
            remedy="choose another --port or --host, or end the other program",
        ) from error
    return port


def serve(engine: Engine, options: ServerOptions, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` is given the address. Raises DepthpaintError."""
    port = listening(options)
    number = port.getsockname()[1]
    app, queue = make_app(engine, options)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, date_header=False,
        timeout_keep_alive=HEAD_SECONDS, timeout_graceful_shutdown=_LAST_SECONDS,
        h11_max_incomplete_event_size=64 << 10, lifespan="on",
    )  # fmt: skip
    host = f"[{options.host}]" if ":" in options.host and not options.host.startswith("[") else options.host
    asyncio.run(_serve(_Server(config), port, queue, lambda: on_ready(f"http://{host}:{number}/")))


async def _serve(
    server: uvicorn.Server, port: socket.socket, queue: JobQueue, on_ready: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()
    ending: list[asyncio.Task[None]] = []

    async def end() -> None:
        await queue.drain()
        server.should_exit = True

    def stop() -> None:
        if ending:  # the second signal
            server.should_exit = server.force_exit = True
            if queue.running is not None:
                queue.running.stop.set()
        else:
            ending.append(asyncio.create_task(end()))

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop)
    serving = asyncio.create_task(server.serve(sockets=[port]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        on_ready()
    await serving
