"""A job: one request in the queue, its progress and its pictures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from depthpaint.core.errors import DepthpaintError
from depthpaint.engine import Prepared
from depthpaint.picture import Pixels
from depthpaint.request import Request, Settings
from depthpaint.server.store import State


@dataclass(frozen=True, slots=True)
class Painted:
    """One picture of a job: its file, which is complete, and what it shows of itself."""

    path: Path
    seed: int
    width: int
    height: int
    infotext: str
    warnings: tuple[str, ...]
    weights: str


@dataclass(eq=False)
class Job:
    """One request, from its place in the queue to its pictures. Used in the event loop only, but for `stop`.

    `step` of `steps` are done of picture `picture` (from 1) of `seeds`. `durable`: it outlives its client and
    this process. `preview` gives the picture as it stands, while it is painted. `moved` is when the last step
    was done, on the clock of `started`; `loading`: its model is not loaded yet.
    """

    id: str
    request: Request
    seeds: tuple[int, ...]
    durable: bool
    created: float
    prepared: Prepared | None = None
    state: State = "queued"
    picture: int = 0
    step: int = 0
    steps: int = 0
    pictures: list[Painted] = field(default_factory=list[Painted])
    error: DepthpaintError | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: list[asyncio.Queue[str]] = field(default_factory=list["asyncio.Queue[str]"])
    preview: Pixels | None = None
    wants_previews: bool = False
    started: float = 0.0
    moved: float = 0.0
    loading: bool = True
    understood: Mapping[str, Any] | None = None
    settings: Settings | None = None

    def notify(self, what: str) -> None:
        """Wake those who listen."""
        for listener in self.listeners:
            listener.put_nowait(what)

    def at_step(self, picture: int, step: int, steps: int, preview: Pixels | None) -> None:
        """A step of it is done."""
        self.picture, self.step, self.steps, self.moved = picture, step, steps, monotonic()
        if preview is not None:
            self.preview = preview
        self.notify("step")

    def add(self, painted: Painted) -> None:
        """A picture of it is complete."""
        self.pictures.append(painted)
        self.step, self.moved = 0, monotonic()
        self.notify("picture")
