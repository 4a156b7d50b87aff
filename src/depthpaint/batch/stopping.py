"""Ctrl-C, SIGTERM and SIGHUP in a batch: at once while painting, never in the middle of saving."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from depthpaint.core.signals import ENDING


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
