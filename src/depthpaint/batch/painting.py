"""Paint a job into the bytes of its file, and stop cleanly on signals."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any, Protocol

import numpy as np

from depthpaint.batch.job import Job
from depthpaint.batch.mark import MARK_KEY, mark_text
from depthpaint.core.errors import (
    ENDING,
    DepthError,
    DepthpaintError,
    ErrorCode,
    InternalError,
    ModelError,
    OutOfMemory,
)
from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.picture import Progress
from depthpaint.record.picture_file import encoded
from depthpaint.record.result import record_of
from depthpaint.record.sections import AgreementFacts
from depthpaint.verification.choosing import choose


class Stopped(BaseException):
    """The batch was asked to stop. Not an Exception, so that error handling does not catch it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Stopping:
    """Turns the first signal into Stopped, immediately or at the end of a `shield`.

    A second signal raises Stopped at once. Libraries may convert Stopped into an error of their own
    (pydantic's serializers do), so it is remembered.
    """

    def __init__(self) -> None:
        self._shielded = False
        self._waiting: int | None = None
        self._raised: int | None = None

    @contextmanager
    def listening(self) -> Generator[None]:
        """Handle signals within the context; works in the main thread only.

        An ignored signal stays ignored, as set by nohup.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: list[tuple[signal.Signals, Callable[[int, FrameType | None], Any] | int | None]]
        handled = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
        before = [(number, signal.signal(number, self._handle)) for number in handled]
        try:
            yield
        except Exception:
            self.raise_pending()
            raise
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def raise_pending(self) -> None:
        """Raise Stopped again if a library converted it into another error."""
        if self._raised is not None:
            raise Stopped(self._raised) from None

    @contextmanager
    def shield(self) -> Generator[None]:
        """Delay a signal until the end of the context."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False
        if self._waiting is not None:
            raise Stopped(self._waiting)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._shielded and self._waiting is None:
            self._waiting = number
            return
        self._raised = number
        raise Stopped(number)


@dataclass(frozen=True, slots=True)
class Painted:
    """The bytes of a picture's file, and its record as JSON.

    `weights` are the digests of the weights (`weights_of`), `seconds` the time of each stage, `agreement` how
    well its depth agrees, None if it was not measured. `seed` is the picture's own, which was chosen if
    several were tried.
    """

    data: bytes
    record: str
    weights: str
    seconds: Mapping[str, float]
    warnings: tuple[str, ...]
    seed: int
    agreement: AgreementFacts | None = None


Outcome = tuple[Job, Painted | DepthpaintError]


class Painters(Protocol):
    """Paints jobs: one local engine, or many on Ray."""

    def weights(self, job: Job) -> str:
        """The digests of `weights_of` for the job. Raises DepthpaintError."""
        ...

    def paint(self, jobs: Iterator[Job]) -> Iterator[Outcome]:
        """Paint the jobs, and yield each when it is done; `jobs` is consumed as capacity allows."""
        ...


class OnePainter:
    """Paints one job after the other with one engine, whose models stay loaded.

    Several requests are not evaluated in one model call: that may round differently than single calls, and
    then a picture would depend on its neighbours.
    """

    def __init__(self, engine: Engine, on_progress: Callable[[Progress], None] | None = None) -> None:
        self._engine = engine
        self._on_progress = on_progress
        self._lost: dict[ModelChoice | str, ModelError] = {}

    def weights(self, job: Job) -> str:
        """Load the job's weights, and return their digests."""
        return weights_of(self._engine, job)

    def paint(self, jobs: Iterator[Job]) -> Iterator[Outcome]:
        """Paint each job on demand."""
        for job in jobs:
            yield job, self.paint_one(job)

    def paint_one(self, job: Job) -> Painted | DepthpaintError:
        """The picture, or the error: a bad row does not end the batch."""
        for part in self._parts(job):
            if part in self._lost:
                return self._lost[part]  # do not search again for every row
        try:
            return painted(self._engine, job, self._on_progress)
        except ModelError as error:
            self._remember_what_cannot_be_loaded(job)
            return error
        except DepthpaintError as error:
            return error
        except MemoryError:
            return OutOfMemory(
                "there is not enough memory to paint it",
                code=ErrorCode.OUT_OF_MEMORY,
                remedy="ask for a smaller size",
            )
        except Exception as error:  # noqa: BLE001 - an error of one row must not stop the others
            return InternalError(
                f"{type(error).__name__}: {error}",
                code=ErrorCode.INTERNAL,
                remedy="paint the row alone with depthpaint generate --debug, and report the output",
            )

    def _parts(self, job: Job) -> dict[ModelChoice | str, Callable[[], str]]:
        """Loaders for what the job needs: its painter, and its estimators by name."""
        choice = job.request.choice
        names = (job.request.from_photo, None if job.required is None else job.required.estimator)
        seers = {name: partial(_estimator_digest, self._engine, name) for name in names if name is not None}
        painter: dict[ModelChoice | str, Callable[[], str]]
        painter = {choice: partial(self._engine.weights_of, choice)}  # pyright: ignore[reportUnhashable] - pydantic hashes what is frozen
        return {**painter, **seers}

    def _remember_what_cannot_be_loaded(self, job: Job) -> None:
        """Remember what cannot be loaded, because other rows share it; other errors are the row's own."""
        for part, load in self._parts(job).items():
            try:
                load()
            except ModelError as error:
                self._lost[part] = error
            except Exception:  # noqa: BLE001 - the next row that needs it reports it
                continue


def painted(engine: Engine, job: Job, on_progress: Callable[[Progress], None] | None = None) -> Painted:
    """Paint a job. Times are left out of the file: equal jobs give equal bytes.

    Raises DepthpaintError, and whatever `on_progress` raises.
    """
    if job.required is None:
        result = engine.paint(job.request, on_progress)
    else:
        result = choose(engine, job.request, job.required, on_progress)
    if result.depth.sha256 != job.depth_sha256:
        raise DepthError(
            f"{job.request.depth} changed while it was read",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy="run the batch again when it is complete",
        )
    record = record_of(result, 0, job.folder)
    seconds = dict(record.seconds)
    record = record.model_copy(update={"seconds": {}})
    judge = "" if job.required is None else _estimator_digest(engine, job.required.estimator)
    weights = _combined(result.weights_sha256, result.depth.estimator_sha256, judge)
    (picture,) = result.pictures
    data, record = encoded(record, picture.pixels, job.form, {MARK_KEY: mark_text(job.key, weights)})
    return Painted(data, record.to_json(), weights, seconds, result.warnings, picture.seed, picture.agreement)


def weights_of(engine: Engine, job: Job) -> str:
    """The digests of all weights that decide the picture: of the painter and both estimators."""
    photo = job.request.from_photo
    reader = "" if photo is None else _estimator_digest(engine, photo)
    judge = "" if job.required is None else _estimator_digest(engine, job.required.estimator)
    return _combined(engine.weights_of(job.request.choice), reader, judge)


def _estimator_digest(engine: Engine, estimator: str) -> str:
    # An estimator returns its digest with an estimate, so it is run on a blank picture.
    return engine.estimate(estimator, np.zeros((64, 64, 3), np.uint8)).weights_sha256


def _combined(*digests: str) -> str:
    return "+".join(filter(None, digests))
