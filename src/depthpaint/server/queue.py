"""The queue of jobs behind all interfaces: one request paints, a bounded number wait."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from typing import Any, TypeVar

from depthpaint.core.errors import (
    Cancelled,
    DepthpaintError,
    ErrorCode,
    InternalError,
    OutOfMemory,
    ParameterError,
    is_shortage,
)
from depthpaint.core.files import make_folder, safe_stem, write_atomic
from depthpaint.engine import Engine, Prepared
from depthpaint.picture import Pixels, Progress
from depthpaint.record.infotext import infotext
from depthpaint.record.picture_file import encode_png, texts_of
from depthpaint.record.result import Result, record_of
from depthpaint.request import Request, Settings
from depthpaint.server.inputs import understood
from depthpaint.server.metrics import Metrics
from depthpaint.server.options import ServerOptions
from depthpaint.server.store import JobStore, State, StoredJob, stored_fields

log = logging.getLogger("depthpaint.server")
REMEMBERED = 1000
"""Finished jobs that are kept in memory."""
_FIRST_GUESS = 5.0
"""Seconds of a picture, before any was painted."""
MOST_ASIDE = 4
"""Depth maps that are read at the same time, beside the queue."""
T = TypeVar("T")


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
    this process. `preview` gives the picture as it stands, while it is painted.
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
    understood: Mapping[str, Any] | None = None
    settings: Settings | None = None

    def notify(self, what: str) -> None:
        """Wake those who listen."""
        for listener in self.listeners:
            listener.put_nowait(what)


class JobQueue:
    """Accepts, paints, cancels and remembers jobs. All methods are called in the event loop."""

    def __init__(self, engine: Engine, options: ServerOptions, store: JobStore) -> None:
        self._engine, self._options, self._store = engine, options, store
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._reserved = 0
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._draining = False
        self._seconds = _FIRST_GUESS
        self._wake = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._aside = asyncio.Semaphore(MOST_ASIDE)
        self.metrics = Metrics()
        self.metrics.waiting.set_function(lambda: len(self._waiting))
        self.metrics.painting.set_function(lambda: self._running is not None)

    @property
    def engine(self) -> Engine:
        """The engine that paints."""
        return self._engine

    @property
    def draining(self) -> bool:
        """Whether the server is stopping, and accepts nothing."""
        return self._draining

    @property
    def running(self) -> Job | None:
        """The job that is being painted."""
        return self._running

    @property
    def length(self) -> int:
        """Jobs that wait."""
        return len(self._waiting)

    @property
    def wait(self) -> int:
        """The estimated seconds until a new job begins."""
        return round(self._seconds * (self.length + self._reserved + (self._running is not None)))

    async def start(self) -> None:
        """Take up the jobs of an earlier run, and begin to paint."""
        for stored in await asyncio.to_thread(self._store.unfinished):
            self._enqueue(self._restored(stored), front=False)
        self._worker = asyncio.create_task(self._work())

    async def submit(
        self,
        prepare: Callable[[], Prepared],
        *,
        durable: bool = False,
        key: str | None = None,
        body: str = "",
    ) -> Job:
        """Reserve a place, read depth map and plan in a thread, and queue the job.

        With `durable` it is stored; `key` is an Idempotency-Key, `body` a digest of the request. Raises
        DepthpaintError: queue_full, draining, and what `prepare` raises.
        """
        if key is not None and (earlier := self._of_key(key, body)) is not None:
            return earlier
        self._require_place()
        self._reserved += 1
        try:
            prepared = await self.aside(prepare)
        finally:
            self._reserved -= 1
        job = Job(
            secrets.token_hex(16), prepared.request, prepared.plan.seeds, durable, time(), prepared,
            steps=prepared.plan.schedule.steps, understood=understood(prepared),
            settings=prepared.plan.settings,
        )  # fmt: skip
        if durable:
            fields = stored_fields(job.request, self._options.out)
            stored = StoredJob(job.id, "queued", fields, job.seeds, (), None, body, job.created)
            # The same request may have come twice at the same time.
            if not self._store.add(stored, key) and key is not None:
                earlier = self._of_key(key, body)
                if earlier is not None:
                    return earlier
        self._enqueue(job, front=False)
        return job

    async def aside(self, work: Callable[[], T]) -> T:
        """Run work that does not paint in a thread; a few at a time. Raises what it raises."""
        async with self._aside:
            return await asyncio.to_thread(work)

    def get(self, name: str) -> Job | None:
        """The job with that id, also of an earlier run of the server."""
        if (job := self._jobs.get(name)) is not None:
            return job
        stored = self._store.get(name)
        return None if stored is None else self._restored(stored)

    def position(self, job: Job) -> int | None:
        """How many jobs are painted before it; None if it does not wait."""
        return self._waiting.index(job) + (self._running is not None) if job in self._waiting else None

    def left(self, job: Job) -> float | None:
        """The estimated seconds until it is done; None if it is."""
        if job.state == "generating":
            done = (len(job.pictures) + job.step / max(1, job.steps)) / max(1, len(job.seeds))
            took = monotonic() - job.started
            return took * (1 - done) / done if done > 0 else self._seconds
        place = self.position(job)
        return None if place is None else self._seconds * (place + 1)

    def cancel(self, job: Job) -> None:
        """Cancel a job: at once if it waits, within two steps if it is painted."""
        if job in self._waiting:
            self._waiting.remove(job)
            self._finish(job, "cancelled", _cancelled())
        elif job.state == "generating":
            job.stop.set()

    async def drain(self) -> None:
        """Accept nothing, give up what waits, finish what is painted.

        Stored jobs that wait are painted after a restart.
        """
        self._draining = True
        while self._waiting:
            job = self._waiting.popleft()
            if not job.durable:
                self._finish(job, "failed", _draining())
        while self._running is not None:
            await self._running.done.wait()
            await asyncio.sleep(0)
        if self._worker is not None:
            self._worker.cancel()

    def _require_place(self) -> None:
        if self._draining:
            raise _draining()
        taken = self.length + self._reserved + (self._running is not None)
        if taken > self._options.max_queue:
            self.metrics.refused.inc()
            raise DepthpaintError(
                f"{taken} requests are being painted or wait already, and more are not accepted",
                code=ErrorCode.QUEUE_FULL,
                remedy="try again later",
                value=taken,
                limit=self._options.max_queue + 1,
            )
        if self._options.max_wait is not None and self.wait > self._options.max_wait:
            raise DepthpaintError(
                f"a new request would wait {self.wait} s",
                code=ErrorCode.QUEUE_FULL,
                remedy="try again later",
                value=self.wait,
                limit=self._options.max_wait,
            )

    def _of_key(self, key: str, body: str) -> Job | None:
        stored = self._store.of_key(key)
        if stored is None:
            return None
        if stored.body != body:
            raise ParameterError(
                "this Idempotency-Key was sent with another request before",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="send a new key with a new request",
                value=("Idempotency-Key",),
            )
        return self.get(stored.id)

    def _enqueue(self, job: Job, *, front: bool) -> None:
        self._jobs[job.id] = job
        while len(self._jobs) > REMEMBERED:
            old = next((name for name, each in self._jobs.items() if each.done.is_set()), None)
            if old is None:
                break
            del self._jobs[old]
        if front:
            self._waiting.appendleft(job)
        else:
            self._waiting.append(job)
        self._wake.set()

    def _restored(self, stored: StoredJob) -> Job:
        request = stored.painted_from(self._options.out)
        job = Job(stored.id, request, stored.seeds, True, stored.created)
        if stored.state in ("queued", "generating"):
            return job
        job.state = stored.state
        job.done.set()
        if stored.error is not None:
            job.error = DepthpaintError(stored.error[1], code=ErrorCode(stored.error[0]))
        for name, seed in zip(stored.pictures, stored.seeds, strict=False):
            job.pictures.append(Painted(self._options.out / name, seed, 0, 0, "", (), ""))
        return job

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            job = self._waiting.popleft()
            self._running, job.state, job.started = job, "generating", monotonic()
            if job.durable:
                self._store.update(job.id, "generating")
            job.notify("state")
            state: State = "completed"
            error: DepthpaintError | None = None
            try:
                await asyncio.to_thread(self._paint, job, loop)
            except Cancelled as cancelled:
                state, error = "cancelled", cancelled
            except DepthpaintError as failed:
                state, error = "failed", failed
            except Exception as failed:
                log.exception("job %s failed", job.id)
                state, error = "failed", _unexpected(failed)
            if state == "completed":
                self._seconds += 0.3 * (monotonic() - job.started - self._seconds)
            self._running = None
            self._finish(job, state, error)

    def _finish(self, job: Job, state: State, error: DepthpaintError | None) -> None:
        job.state, job.error, job.prepared, job.preview = state, error, None, None
        if job.durable:
            stored = None if error is None else (error.code.value, str(error))
            self._store.update(job.id, state, [each.path.name for each in job.pictures], stored)
        log.info("job %s %s pictures=%d", job.id, state, len(job.pictures))
        self.metrics.jobs.labels(state).inc()
        self.metrics.pictures.inc(len(job.pictures))
        if job.started:
            self.metrics.seconds.observe(monotonic() - job.started)
        job.done.set()
        job.notify("state")

    def _paint(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        """Paint all pictures of a job; in a thread."""

        def on_progress(progress: Progress) -> None:
            if job.stop.is_set():
                raise _cancelled()
            preview = progress.preview() if job.wants_previews and progress.step < progress.steps else None
            loop.call_soon_threadsafe(_step, job, progress.picture, progress.step, progress.steps, preview)

        prepared = job.prepared or self._engine.prepare(job.request)
        make_folder(self._options.out)
        for result in self._engine.pictures(prepared, on_progress):
            painted = self._saved(job, result)
            loop.call_soon_threadsafe(_painted, job, painted)
            if job.stop.is_set():
                raise _cancelled()

    def _saved(self, job: Job, result: Result) -> Painted:
        """Write the first picture of a result. Times are left out: equal requests give equal bytes."""
        out, seed = self._options.out, result.pictures[0].seed
        record = record_of(result, 0, out).model_copy(update={"seconds": {}})
        path = out / f"{safe_stem(record.settings.prompt)}-{seed}-{job.id[:8]}.png"
        pixels = result.pictures[0].pixels
        write_atomic(path, encode_png(pixels, texts_of(record)), overwrite=True)
        return Painted(
            path,
            seed,
            pixels.shape[1],
            pixels.shape[0],
            infotext(record),
            result.warnings,
            result.weights_sha256,
        )


def _step(job: Job, picture: int, step: int, steps: int, preview: Pixels | None) -> None:
    job.picture, job.step, job.steps = picture, step, steps
    if preview is not None:
        job.preview = preview
    job.notify("step")


def _painted(job: Job, painted: Painted) -> None:
    job.pictures.append(painted)
    job.step = 0
    job.notify("picture")


def _cancelled() -> Cancelled:
    return Cancelled("the request was cancelled", code=ErrorCode.CANCELLED)


def _draining() -> DepthpaintError:
    return DepthpaintError(
        "the server is stopping", code=ErrorCode.DRAINING, remedy="try again when it has started again"
    )


def _unexpected(error: Exception) -> DepthpaintError:
    if is_shortage(error):
        return OutOfMemory(
            "there is not enough memory to paint it",
            code=ErrorCode.OUT_OF_MEMORY,
            remedy="ask for a smaller size",
        )
    return InternalError("painting failed", code=ErrorCode.INTERNAL, remedy="see the server's log")
