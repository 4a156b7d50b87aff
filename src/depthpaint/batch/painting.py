"""From a job to the bytes of its file, wherever it is painted, and stopping between two of them."""

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
from depthpaint.record.infotext import infotext
from depthpaint.record.picture_file import INFOTEXT_KEY, RECORD_KEY, encode_png
from depthpaint.record.result import record_of
from depthpaint.verification.choosing import choose


class Stopped(BaseException):
    """Somebody wants the batch to end. No Exception: nothing that mends errors may keep it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Stopping:
    """Turns the first signal into Stopped, where the program stands or when it leaves the `shield`.

    A second signal is Stopped at once, shield or not. A library that was interrupted may make an error of its
    own of Stopped (pydantic's serializers do), so what was raised is remembered.
    """

    def __init__(self) -> None:
        self._shielded = False
        self._waiting: int | None = None
        self._raised: int | None = None

    @contextmanager
    def listening(self) -> Generator[None]:
        """Listen to the signals as long as it lasts; only the main thread can.

        A signal that is ignored stays ignored: whoever started the program wants that, as nohup does.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: list[tuple[signal.Signals, Callable[[int, FrameType | None], Any] | int | None]]
        heard = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
        before = [(number, signal.signal(number, self._hear)) for number in heard]
        try:
            yield
        except Exception:
            self.require_unheard()
            raise
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def require_unheard(self) -> None:
        """Raise Stopped once more if somebody caught it as an error of another kind."""
        if self._raised is not None:
            raise Stopped(self._raised) from None

    @contextmanager
    def shield(self) -> Generator[None]:
        """What is begun inside is finished before a signal counts."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False
        if self._waiting is not None:
            raise Stopped(self._waiting)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._shielded and self._waiting is None:
            self._waiting = number
            return
        self._raised = number
        raise Stopped(number)


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture's file as it is to be written, and its record as JSON.

    `weights` tells with what it was painted (`weights_of`), `seconds` what each stage took, `agreement` how
    its depth agrees (rank correlation), None where nobody looked.
    """

    data: bytes
    record: str
    weights: str
    seconds: Mapping[str, float]
    warnings: tuple[str, ...]
    agreement: float | None = None


Outcome = tuple[Job, Painted | DepthpaintError]


class Painters(Protocol):
    """Whoever paints: one engine here, or many on Ray."""

    def weights(self, job: Job) -> str:
        """What `weights_of` says of the job. Raises DepthpaintError."""
        ...

    def paint(self, jobs: Iterator[Job]) -> Iterator[Outcome]:
        """Paint them, and hand each back when it is done; `jobs` is drawn on as there is time."""
        ...


class OnePainter:
    """Paints one job after the other with one engine, whose models stay loaded.

    Samplers of several requests are not joined: a model call for two pictures at once may round otherwise
    than two calls, and then a picture would depend on its neighbours.
    """

    def __init__(self, engine: Engine, on_progress: Callable[[Progress], None] | None = None) -> None:
        self._engine = engine
        self._on_progress = on_progress
        self._lost: dict[ModelChoice | str, ModelError] = {}

    def weights(self, job: Job) -> str:
        """Load what paints the job, and tell its digests."""
        return weights_of(self._engine, job)

    def paint(self, jobs: Iterator[Job]) -> Iterator[Outcome]:
        """Paint each when it is asked for."""
        for job in jobs:
            yield job, self.paint_one(job)

    def paint_one(self, job: Job) -> Painted | DepthpaintError:
        """The picture, or why there is none: a bad row ends nothing."""
        for part in self._parts(job):
            if part in self._lost:
                return self._lost[part]  # It would be searched for and refused once more for every row.
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
        except Exception as error:  # noqa: BLE001 - one row's accident is told as its own, the others go on
            return InternalError(
                f"{type(error).__name__}: {error}",
                code=ErrorCode.INTERNAL,
                remedy="paint the row alone with depthpaint generate --debug, and report what it says",
            )

    def _parts(self, job: Job) -> dict[ModelChoice | str, Callable[[], str]]:
        """What has to be loaded for the job: its painter, and by their names its estimators."""
        choice = job.request.choice
        names = (job.request.from_photo, None if job.wish is None else job.wish.estimator)
        seers = {name: partial(_seer, self._engine, name) for name in names if name is not None}
        painter: dict[ModelChoice | str, Callable[[], str]]
        painter = {choice: partial(self._engine.weights_of, choice)}  # pyright: ignore[reportUnhashable] - pydantic hashes what is frozen
        return {**painter, **seers}

    def _remember_what_cannot_be_loaded(self, job: Job) -> None:
        """Other rows share what cannot be loaded; any other error of a model is the row's own."""
        for part, load in self._parts(job).items():
            try:
                load()
            except ModelError as error:
                self._lost[part] = error
            except Exception:  # noqa: BLE001 - the next row that needs it reports it
                continue


def painted(engine: Engine, job: Job, on_progress: Callable[[Progress], None] | None = None) -> Painted:
    """Paint a job. What it took is left out of the file: equal jobs give equal bytes.

    Raises DepthpaintError, and whatever `on_progress` raises.
    """
    if job.wish is None:
        result = engine.paint(job.request, on_progress)
    else:
        result = choose(engine, job.request, job.wish, on_progress)
    if result.depth.sha256 != job.depth_sha256:
        raise DepthError(
            f"{job.request.depth} was changed while it was read",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy="run the batch again when it is written",
        )
    record = record_of(result, 0)
    seconds = dict(record.seconds)
    record = record.model_copy(update={"seconds": {}})
    judge = "" if job.wish is None else _seer(engine, job.wish.estimator)
    weights = _told(result.weights_sha256, result.depth.estimator_sha256, judge)
    texts = {
        MARK_KEY: mark_text(job.key, weights),
        RECORD_KEY: record.to_json(),
        INFOTEXT_KEY: infotext(record),
    }
    data = encode_png(result.pictures[0].pixels, texts)
    agreement = result.pictures[0].agreement
    found = None if agreement is None else agreement.rank_correlation
    return Painted(data, texts[RECORD_KEY], weights, seconds, result.warnings, found)


def weights_of(engine: Engine, job: Job) -> str:
    """The digests of all weights that decide the picture: painter's, photo reader's, judge's."""
    photo = job.request.from_photo
    reader = "" if photo is None else _seer(engine, photo)
    judge = "" if job.wish is None else _seer(engine, job.wish.estimator)
    return _told(engine.weights_of(job.request.choice), reader, judge)


def _seer(engine: Engine, estimator: str) -> str:
    # An estimator tells its weights with what it sees, so it is shown something.
    return engine.estimate(estimator, np.zeros((64, 64, 3), np.uint8)).weights_sha256


def _told(*digests: str) -> str:
    return "+".join(filter(None, digests))
