"""The signals that end the program, and its exit status after each."""

from __future__ import annotations

import signal

SIGNALLED = 128
"""What is added to a signal's number, as shells do."""

TERMINATING = tuple(
    number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)
"""SIGHUP comes when a terminal is closed; Windows does not have it."""
ENDING = (signal.SIGINT, *TERMINATING)


def status_after(number: int) -> int:
    """The exit status: 130 after SIGINT, 143 after SIGTERM, 129 after SIGHUP."""
    return SIGNALLED + number


INTERRUPTED = status_after(signal.SIGINT)
