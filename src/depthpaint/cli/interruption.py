"""Ctrl-C and SIGTERM unwind a command where it stands, so that everything is cleaned up on the way out."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

_raised: list[int] = []


class Terminated(BaseException):
    """SIGTERM, as KeyboardInterrupt is SIGINT."""


def listen() -> None:
    """Begin; whoever started the program may have said that Ctrl-C is to be ignored, and it is."""
    signal.signal(signal.SIGTERM, _hear)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _hear)


def require_unheard() -> None:
    """Raise the interruption once more that a library has made an error of its own of, as pydantic does."""
    if _raised:
        _raise(_raised[0])


def _hear(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    _raised.append(number)
    _raise(number)


def _raise(number: int) -> NoReturn:
    raise (KeyboardInterrupt if number == signal.SIGINT else Terminated) from None
