"""Which jobs are painted at the same time, with how many threads each, and the painting of one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from depthpaint.core.errors import (
    Cancelled,
    DepthpaintError,
    ErrorCode,
    InternalError,
    OutOfMemory,
    is_shortage,
)
from depthpaint.core.files import make_folder, safe_stem, write_atomic
from depthpaint.engine import Engine
from depthpaint.picture import Progress
from depthpaint.record.encode import encode_png
from depthpaint.record.infotext import infotext
from depthpaint.record.picture_file import texts_of
from depthpaint.record.result import Result, record_of
from depthpaint.server.jobs import Job, Painted
from depthpaint.server.options import ServerOptions
from depthpaint.server.ray_pictures import RayPictures


class Scheduler:
    """Paints jobs in threads.

    A job that is alone is painted with all threads. Where `crowd` or more wait, those of models that paint
    side by side are painted together, with a share of the threads each: a picture takes longer, and more are
    painted in the same time (docs/explanation/benchmarks.md). With fewer, one after the other, the first is
    there sooner and the mean time is about the same. The pictures are the same in both cases. With `remote`,
    each of its actors paints one job at a time, and nothing is painted here.
    """

    crowd = 2

    def __init__(self, engine: Engine, options: ServerOptions, remote: RayPictures | None = None) -> None:
        self._remote = remote
        self._options = options
        self._cores = engine.runtime.threads or os.cpu_count() or 1
        self._most = remote.count if remote else options.parallel or self._cores
        self._engines = {self._cores: engine}
        self._threads = ThreadPoolExecutor(self._most, "painting")

    @property
    def engine(self) -> Engine:
        """The engine with all threads, which also reads depth maps."""
        return self._engines[self._cores]

    def may_start(self, job: Job, running: Collection[Job], waiting: int) -> bool:
        """Whether `job`, the first of `waiting`, is painted now, beside `running`."""
        if not running or self._remote is not None:
            return len(running) < self._most
        return (
            len(running) < self._most
            and waiting >= self.crowd
            and all(self._paints_side_by_side(each) for each in (job, *running))
        )

    def _paints_side_by_side(self, job: Job) -> bool:
        try:
            return self.engine.paints_side_by_side(job.request.choice)
        except DepthpaintError:  # a model that was there before a restart; painting it says what is wrong
            return False

    def _engine_for(self, together: int) -> Engine:
        """The engine of one of `together` jobs that are painted at the same time."""
        threads = self._cores
        while threads > 1 and threads * together > self._cores:
            threads //= 2  # few numbers of threads: each has sessions of its own
        if threads not in self._engines:
            runtime = replace(self.engine.runtime, threads=threads)
            self._engines[threads] = self.engine.elsewhere(runtime)
        return self._engines[threads]

    async def paint(self, job: Job, together: int) -> None:
        """Paint a job, one of `together`, in a thread. Raises DepthpaintError."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._paint, job, self._engine_for(together), loop)

    def _paint(self, job: Job, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        def on_progress(progress: Progress) -> None:
            if job.stop.is_set():
                raise cancelled()
            preview = progress.preview() if job.wants_previews and progress.step < progress.steps else None
            loop.call_soon_threadsafe(job.at_step, progress.picture, progress.step, progress.steps, preview)

        prepared = job.prepared or self.engine.prepare(job.request)
        if self._remote is None:
            engine.weights_of(job.request.choice)
            results = engine.pictures(prepared, on_progress)
        else:
            steps = prepared.plan.schedule.steps

            def at_step(picture: int, step: int) -> None:
                loop.call_soon_threadsafe(job.at_step, picture, step, steps, None)

            results = self._remote.pictures(prepared, at_step, job.stop)
        job.loading = False
        make_folder(self._options.out)
        for result in results:
            painted = self._saved(job, result)
            loop.call_soon_threadsafe(job.add, painted)
            if job.stop.is_set():
                raise cancelled()

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


def cancelled() -> Cancelled:
    """The error of a cancelled job."""
    return Cancelled("the request was cancelled", code=ErrorCode.CANCELLED)


def unexpected(error: Exception) -> DepthpaintError:
    """The error that clients get for an unexpected exception; its own text stays in the log."""
    if is_shortage(error):
        return OutOfMemory(
            "there is not enough memory to paint it",
            code=ErrorCode.OUT_OF_MEMORY,
            remedy="ask for a smaller size",
        )
    return InternalError("painting failed", code=ErrorCode.INTERNAL, remedy="see the server's log")
