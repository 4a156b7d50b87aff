"""A server on a port of its own, in a thread, with a painter that can be held."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn

from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.models.painter import ModelEntry
from depthpaint.models.registry import find_model
from depthpaint.server.app import make_app
from depthpaint.server.options import ServerOptions
from depthpaint.server.queue import JobQueue
from depthpaint.server.run import config_of, listening
from fake_painter import FakeEstimator, FakePainter, offering
from made_png import png


class HeldPainter(FakePainter):
    """Waits before each step while it is held; `steps` counts those that were begun."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.free.set()
        self.steps = 0

    def predict(self, *arguments: Any, **named: Any) -> Any:
        """As the fake's, when it is free."""
        self.steps += 1
        assert self.free.wait(60)
        return super().predict(*arguments, **named)


@dataclass
class Running:
    """A running server and a client of it."""

    client: httpx.Client
    queue: JobQueue
    painter: HeldPainter
    out: Path
    url: str
    stop: Callable[[], None] = field(default=lambda: None)

    def get(self, path: str, **named: Any) -> httpx.Response:
        """GET."""
        return self.client.get(path, **named)

    def post(self, path: str, body: object = None, **named: Any) -> httpx.Response:
        """POST of JSON."""
        return self.client.post(path, json=body, **named)

    def loop(self) -> asyncio.AbstractEventLoop:
        """The server's event loop."""
        worker = self.queue._worker  # pyright: ignore[reportPrivateUsage]
        assert worker is not None
        return worker.get_loop()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        end = monotonic() + 30
        while not condition():
            assert monotonic() < end
            sleep(0.01)


Start = Callable[..., Running]


def depth_bytes(seed: int = 0) -> bytes:
    """The PNG of a depth map whose near end is certain."""
    rows = np.linspace(40, 250, 48)[:, None] + np.zeros((48, 64))
    rows[10:20, 10 + seed : 30 + seed] = 255
    return png(np.clip(rows, 0, 255).astype(np.uint8), 8, 0)


DEPTH = base64.b64encode(depth_bytes()).decode()


@contextmanager
def starting(folder: Path) -> Generator[Start]:
    """Start servers; they are stopped at the end."""
    started: list[Running] = []

    def begin(**options: Any) -> Running:
        painter = HeldPainter()

        def entry(choice: ModelChoice) -> ModelEntry:
            return replace(find_model(choice), load=offering(painter)(choice).load)

        engine = Engine(find=entry, load_estimator=FakeEstimator)
        out = options.pop("out", folder / "out")
        chosen = ServerOptions(out=out, port=0, **options)
        port = listening(chosen)
        app, queue = make_app(engine, chosen)
        server = uvicorn.Server(config_of(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [port]}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{port.getsockname()[1]}"
        running = Running(httpx.Client(base_url=url, timeout=60), queue, painter, out, url)
        running.until(lambda: server.started)

        def stop() -> None:
            painter.free.set()
            running.client.close()
            server.should_exit = True
            thread.join(20)
            port.close()
            assert not thread.is_alive()

        running.stop = stop
        started.append(running)
        return running

    yield begin
    for running in started:
        if not running.client.is_closed:
            running.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers; they are stopped at the end."""
    with starting(tmp_path) as begin:
        yield begin


@pytest.fixture
def server(start: Start) -> Running:
    """A server with the default options."""
    return start()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for tests that leave nothing behind."""
    with starting(tmp_path_factory.mktemp("shared")) as begin:
        yield begin()
