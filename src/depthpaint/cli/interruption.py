"""Ctrl-C and SIGTERM end the program with 130 and 143, without a traceback and with nothing half-written."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

INTERRUPTED, TERMINATED = 130, 143

_raised: list[int] = []


class Terminated(BaseException):
    """SIGTERM, as KeyboardInterrupt is SIGINT."""


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
    signal.signal(signal.SIGTERM, handler)
    # Whoever started the program may have had Ctrl-C ignored, as nohup does; then it stays ignored.
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    interrupted = number == signal.SIGINT
    # Not sys.exit: an import that is interrupted may turn its exception into another one.
    with suppress(OSError):
        os.write(2, b"depthpaint: interrupted\n" if interrupted else b"depthpaint: terminated\n")
    os._exit(INTERRUPTED if interrupted else TERMINATED)


def _raise_and_remember(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    _raised.append(number)
    _raise(number)


def _raise(number: int) -> NoReturn:
    raise (KeyboardInterrupt if number == signal.SIGINT else Terminated) from None
