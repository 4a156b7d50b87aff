"""What the routes of all interfaces share: the server, and waiting for a job while its client is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from fastapi import Request

from depthpaint.core.errors import Cancelled, ErrorCode
from depthpaint.engine import Engine, Prepared
from depthpaint.server.jobs import Job
from depthpaint.server.options import ServerOptions
from depthpaint.server.queue import JobQueue


@dataclass(frozen=True, slots=True)
class Server:
    """What all routes use."""

    engine: Engine
    options: ServerOptions
    queue: JobQueue


def server_of(request: Request) -> Server:
    """The server that a request came to."""
    return cast(Server, request.app.state.server)


async def finished(queue: JobQueue, request: Request, prepare: Callable[[], Prepared]) -> Job:
    """Submit a request, and wait until it is painted; a client that goes away cancels it.

    Raises DepthpaintError, also where painting failed.
    """
    job = await queue.submit(prepare)
    gone = asyncio.create_task(gone_away(request))
    done = asyncio.create_task(job.done.wait())
    try:
        await asyncio.wait({gone, done}, return_when=asyncio.FIRST_COMPLETED)
        if not job.done.is_set():
            raise Cancelled("the client went away", code=ErrorCode.CANCELLED)
    finally:
        gone.cancel()
        done.cancel()
        queue.cancel(job)
    if job.error is not None:
        raise job.error
    return job


async def gone_away(request: Request) -> None:
    """Return when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@contextmanager
def listening(job: Job) -> Generator[asyncio.Queue[str]]:
    """What happens to a job, from now on."""
    listener: asyncio.Queue[str] = asyncio.Queue()
    job.listeners.append(listener)
    try:
        yield listener
    finally:
        job.listeners.remove(listener)


async def changes(job: Job) -> AsyncGenerator[str]:
    """What happens to a job until it is done: "step", "picture" and "state"."""
    with listening(job) as listener:
        while not job.done.is_set() or not listener.empty():
            yield await listener.get()
