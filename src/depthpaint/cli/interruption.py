"""Ctrl-C, SIGTERM and SIGHUP end the program with 130, 143 and 129: no traceback, nothing half-written."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from depthpaint.core.signals import ENDING, status_after

_raised: list[int] = []


class Terminated(BaseException):
    """SIGTERM or SIGHUP, as KeyboardInterrupt is SIGINT."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__(number)
        self.status = status_after(number)


def exit_at_once() -> None:
    """While the program is still importing there is nothing to clean up: a signal ends it on the spot."""
    _handle(_exit)


def unwind() -> None:
    """From now on a signal raises an exception, so that what a command has begun is cleaned up."""
    _handle(_raise_and_remember)


def require_uninterrupted() -> None:
    """Raise the interruption again that a library has turned into an error of its own, as pydantic does."""
    if _raised:
        _raise(_raised[0])


def _handle(handler: Callable[[int, FrameType | None], NoReturn]) -> None:
    for number in ENDING:
        # Whoever started the program may have had a signal ignored, as nohup does; then it stays ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    interrupted = number == signal.SIGINT
    # Not sys.exit: an import that is interrupted may turn its exception into another one.
    with suppress(OSError):
        os.write(2, b"depthpaint: interrupted\n" if interrupted else b"depthpaint: terminated\n")
    os._exit(status_after(number))


def _raise_and_remember(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    _raised.append(number)
    _raise(number)


def _raise(number: int) -> NoReturn:
    raise (KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)) from None
