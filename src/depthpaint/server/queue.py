"""The queue of jobs behind all interfaces: a bounded number is painted or waits."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from time import monotonic, time
from typing import TypeVar

from depthpaint.core.errors import Cancelled, DepthpaintError, ErrorCode, OutputError, ParameterError
from depthpaint.engine import Engine, Prepared
from depthpaint.server.inputs import hide_paths, understood
from depthpaint.server.jobs import Job, Painted
from depthpaint.server.logs import LOG, log_event
from depthpaint.server.metrics import Metrics
from depthpaint.server.options import ServerOptions
from depthpaint.server.ray_pictures import RayPictures
from depthpaint.server.scheduler import Scheduler, cancelled, unexpected
from depthpaint.server.store import JobStore, State, StoredJob, stored_fields

REMEMBERED = 1000
"""Finished jobs that are kept in memory."""
_FIRST_GUESS = 5.0
"""Seconds of a picture, before any was painted."""
MOST_ASIDE = 4
"""Depth maps that are read at the same time, beside the queue."""
_LOOK_SECONDS = 0.5
"""Between two looks at whether a picture still makes progress."""
_LOAD_SECONDS = 3.0
"""That a server that stops gives a model which is being loaded; small ones are there by then."""
T = TypeVar("T")


class JobQueue:
    """Accepts, cancels and remembers jobs, in their order. All methods are called in the event loop.

    `stalled`: a picture makes no progress any more, and the process has to be restarted. `abandoned`: there
    are threads that still compute for jobs that have ended.
    """

    def __init__(
        self,
        engine: Engine,
        options: ServerOptions,
        store: JobStore,
        remote: RayPictures | None = None,
    ) -> None:
        self._scheduler = Scheduler(engine, options, remote)
        self._options, self._store = options, store
        self._waiting: deque[Job] = deque()
        self._running: list[Job] = []
        self._reserved = 0
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._draining = False
        self._seconds = _FIRST_GUESS
        self._wake = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._painting: set[asyncio.Task[None]] = set()
        self._unsaved: dict[str, Job] = {}
        self._stopping = 0.0
        self.stalled = False
        self.abandoned = False
        self._aside = asyncio.Semaphore(MOST_ASIDE)
        self.metrics = Metrics()
        self.metrics.waiting.set_function(lambda: len(self._waiting))
        self.metrics.painting.set_function(lambda: len(self._running))

    @property
    def draining(self) -> bool:
        """Whether the server is stopping, and accepts nothing."""
        return self._draining

    @property
    def running(self) -> tuple[Job, ...]:
        """The jobs that are being painted, the oldest first."""
        return tuple(self._running)

    @property
    def length(self) -> int:
        """Jobs that wait."""
        return len(self._waiting)

    @property
    def wait(self) -> int:
        """The estimated seconds until a new job begins."""
        return round(self._seconds * self._taken)

    @property
    def _taken(self) -> int:
        """Places in use."""
        return self.length + self._reserved + len(self._running)

    async def start(self) -> None:
        """Take up the jobs of an earlier run, and begin to paint."""
        for stored in await asyncio.to_thread(self._store.unfinished):
            self._enqueue(self._restored(stored))
        self._worker = asyncio.create_task(self._work())
        self._worker.add_done_callback(self._ended)

    @property
    def _ending(self) -> DepthpaintError | None:
        """Why nothing is accepted any more."""
        if self._draining:
            return _draining()
        return _hangs() if self.stalled else None

    def refusal(self) -> DepthpaintError | None:
        """Why no request is accepted now; None if one is."""
        if self._ending is not None:
            return self._ending
        taken, wait, most = self._taken, self.wait, self._options.max_wait
        if taken <= self._options.max_queue and (most is None or wait <= most):
            return None
        self.metrics.refused.inc()
        full = taken > self._options.max_queue
        return DepthpaintError(
            f"{taken} requests are being painted or wait already, and more are not accepted"
            if full
            else f"a new request would wait {wait} s",
            code=ErrorCode.QUEUE_FULL,
            remedy="try again later",
            value=taken if full else wait,
            limit=self._options.max_queue + 1 if full else most,
        )

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
        if (refused := self.refusal()) is not None:
            raise refused
        self._reserved += 1
        try:
            prepared = await self.aside(prepare)
        finally:
            self._reserved -= 1
        if self._ending is not None:  # since the depth map was begun to be read
            raise self._ending
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
        self._enqueue(job)
        return job

    async def aside(self, work: Callable[[], T]) -> T:
        """Run work that does not paint in a thread; a few at a time. Raises what it raises."""
        async with self._aside:
            try:
                return await asyncio.to_thread(work)
            except DepthpaintError as error:
                hide_paths(error, self._options.out)
                raise

    def get(self, name: str) -> Job | None:
        """The job with that id, also of an earlier run of the server."""
        if (job := self._jobs.get(name)) is not None:
            return job
        stored = self._store.get(name)
        return None if stored is None else self._restored(stored)

    def position(self, job: Job) -> int | None:
        """How many jobs are painted before it; None if it does not wait."""
        return self._waiting.index(job) + len(self._running) if job in self._waiting else None

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
            self._finish(job, "cancelled", cancelled())
        elif job.state == "generating":
            job.stop.set()

    async def drain(self) -> None:
        """Accept nothing, give up what waits, finish what is painted.

        Stored jobs that wait are painted after a restart.
        """
        self._draining, self._stopping = True, monotonic()
        self._give_up_waiting(_draining())
        while self._painting:
            await asyncio.wait(self._painting)
        if self._worker is not None:
            self._worker.cancel()

    def _give_up_waiting(self, error: DepthpaintError) -> None:
        """Fail what waits, but for stored jobs."""
        while self._waiting:
            job = self._waiting.popleft()
            if not job.durable:
                self._finish(job, "failed", error)

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

    def _enqueue(self, job: Job) -> None:
        self._jobs[job.id] = job
        while len(self._jobs) > REMEMBERED:
            old = next((name for name, each in self._jobs.items() if each.done.is_set()), None)
            if old is None:
                break
            del self._jobs[old]
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
        while True:
            while self._waiting and self._scheduler.may_start(
                self._waiting[0], self._running, len(self._waiting)
            ):
                job = self._waiting.popleft()
                self._running.append(job)
                task = asyncio.create_task(self._paint(job))
                self._painting.add(task)
                task.add_done_callback(self._painting.discard)
            self._wake.clear()
            await self._wake.wait()

    def _ended(self, worker: asyncio.Task[None]) -> None:
        """Nothing is painted any more; unless the server stops, the process has to be restarted."""
        if not worker.cancelled():
            LOG.error("the queue failed", exc_info=worker.exception())
            self.stalled = True
            self._give_up_waiting(_hangs())

    async def _paint(self, job: Job) -> None:
        job.state, job.started = "generating", monotonic()
        job.moved = job.started
        self._keep(job)
        job.notify("state")
        state: State = "completed"
        error: DepthpaintError | None = None
        together = len(self._running)
        try:
            await self._progressing(job, together)
        except Cancelled as stopped:
            state, error = "cancelled", stopped
        except DepthpaintError as failed:
            hide_paths(failed, self._options.out)
            state, error = "failed", failed
        except Exception as failed:  # noqa: BLE001 - an error of one job must not stop the others
            LOG.exception("job failed", extra={"facts": {"id": job.id}})
            state, error = "failed", unexpected(failed)
        self._running.remove(job)
        self._wake.set()
        if job.durable and error is not None and error.code is ErrorCode.DRAINING:
            job.done.set()  # it is painted after a restart
            return
        if state == "completed":
            self._seconds += 0.3 * ((monotonic() - job.started) / together - self._seconds)
        self._finish(job, state, error)

    async def _progressing(self, job: Job, together: int) -> None:
        """Paint a job. Raises DepthpaintError, also where it makes no progress any more.

        The thread of such a job cannot be ended, so the process has to be. The same holds for a model that is
        being loaded when the server stops: that may take minutes, and nothing of the picture is there yet.
        """
        painting = asyncio.ensure_future(self._scheduler.paint(job, together))
        while not (await asyncio.wait({painting}, timeout=_LOOK_SECONDS))[0]:
            now = monotonic()
            lost = now - job.moved > self._options.stall
            if lost or (self._draining and job.loading and now - self._stopping > _LOAD_SECONDS):
                job.stop.set()
                painting.add_done_callback(lambda left: left.cancelled() or left.exception())
                self.abandoned = True
                if not lost:
                    raise _draining()
                self.stalled = True
                self._give_up_waiting(_hangs())
                raise _stalled(self._options.stall)
        painting.result()

    def _keep(self, job: Job) -> None:
        """Store what became of a job, and of those before that could not be stored."""
        if job.durable:
            self._unsaved[job.id] = job
        for name, each in list(self._unsaved.items()):
            stored = None if each.error is None else (each.error.code.value, str(each.error))
            try:
                self._store.update(name, each.state, [one.path.name for one in each.pictures], stored)
            except OutputError as error:
                LOG.warning("job not stored", extra={"facts": {"id": name, "why": str(error)}})
                return
            del self._unsaved[name]

    def _finish(self, job: Job, state: State, error: DepthpaintError | None) -> None:
        job.state, job.error, job.prepared, job.preview = state, error, None, None
        self._keep(job)
        took = round(monotonic() - job.started, 3) if job.started else 0.0
        log_event("job", id=job.id, state=state, pictures=len(job.pictures), seconds=took)
        self.metrics.jobs.labels(state).inc()
        self.metrics.pictures.inc(len(job.pictures))
        if job.started:
            self.metrics.seconds.observe(took)
        job.done.set()
        job.notify("state")


def _stalled(seconds: float) -> DepthpaintError:
    return DepthpaintError(
        f"painting made no progress for {seconds:g} seconds",
        code=ErrorCode.TIMEOUT,
        remedy="restart the server; a slow machine needs a larger --stall",
    )


def _hangs() -> DepthpaintError:
    return DepthpaintError(
        "the server makes no progress, and has to be restarted",
        code=ErrorCode.NOT_READY,
        remedy="try again when it has been restarted",
    )


def _draining() -> DepthpaintError:
    return DepthpaintError(
        "the server is stopping", code=ErrorCode.DRAINING, remedy="try again when it has started again"
    )
