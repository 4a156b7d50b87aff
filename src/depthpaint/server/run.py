"""Run the server: listen, say where, and end cleanly on a signal."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.engine import Engine
from depthpaint.server.app import make_app
from depthpaint.server.options import ServerOptions
from depthpaint.server.queue import JobQueue
from depthpaint.server.ray_pictures import RayPictures

HEAD_SECONDS = 10
"""In which the head of a request must be complete, and after which an idle connection is closed."""
UNREAD_SECONDS = 60
"""In which a client must read some of an answer that is ready; a slow one reads in smaller steps."""
_LAST_SECONDS = 5


class _Protocol(H11Protocol):
    """Closes connections for which uvicorn would wait for ever.

    Those whose head is not complete after HEAD_SECONDS, and those that read nothing for UNREAD_SECONDS.
    """

    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for the first head."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        """Wait while the head is incomplete."""
        super().data_received(data)
        incomplete = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if not incomplete and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif incomplete and self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def pause_writing(self) -> None:
        """The client does not read: wait for it for some time."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        for timer in (self._timer, self._unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)


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
    # Without the protocol, asyncio does not turn Nagle's algorithm off, and each answer takes 40 ms more.
    port = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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


def config_of(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves it."""
    return uvicorn.Config(
        app, http=_Protocol, log_config=None, access_log=False, server_header=False, date_header=False,
        timeout_keep_alive=HEAD_SECONDS, timeout_graceful_shutdown=_LAST_SECONDS,
        h11_max_incomplete_event_size=64 << 10, lifespan="on",
    )  # fmt: skip


def serve(
    engine: Engine,
    options: ServerOptions,
    on_ready: Callable[[str], None],
    remote: RayPictures | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` is given the address. Raises DepthpaintError.

    `remote` paints in place of `engine`, which then reads depth maps only.
    """
    port = listening(options)
    number = port.getsockname()[1]
    app, queue = make_app(engine, options, remote)
    host = f"[{options.host}]" if ":" in options.host and not options.host.startswith("[") else options.host
    try:
        asyncio.run(
            _serve(_Server(config_of(app)), port, queue, lambda: on_ready(f"http://{host}:{number}/"))
        )
    finally:
        port.close()
    if queue.abandoned:
        # Its threads would be waited for, and they may never end. All that is to be kept is written.
        logging.shutdown()
        os._exit(0)


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
            for job in queue.running:
                job.stop.set()
        else:
            ending.append(asyncio.create_task(end()))

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        loop.call_soon_threadsafe(stop)

    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stop)
        except NotImplementedError:  # Windows
            signal.signal(name, handle)
    serving = asyncio.create_task(server.serve(sockets=[port]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        on_ready()
    await serving
