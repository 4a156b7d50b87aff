"""Talking to the person: sentences and progress on stderr, results on stdout, nothing that moves a cursor."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from depthpaint.core.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from depthpaint.engine import Progress


class ReaderGone(Exception):
    """Whoever read the output has closed it. Not an OSError: click would turn that into exit status 1."""


def tell(text: str, *, quiet: bool = False) -> None:
    """Say one line on stderr."""
    if not quiet:
        _write(sys.stderr, "\n".join(printable(line) for line in text.split("\n")))


def warn(text: str, *, quiet: bool = False) -> None:
    """Say one warning on stderr."""
    tell(f"warning: {text}", quiet=quiet)


def emit(text: object) -> None:
    """Put one result on stdout."""
    _write(sys.stdout, str(text))


def emit_document(document: Mapping[str, object]) -> None:
    """Put one JSON document on stdout; a number that JSON does not know is a fault of the program."""
    emit(json.dumps(document, ensure_ascii=True, allow_nan=False))


def animated() -> bool:
    """Whether stderr is a terminal that can redraw a line."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def step_bar(*, quiet: bool) -> Generator[Callable[[Progress], None]]:
    """A bar with steps and time left, on a terminal; elsewhere silence."""
    if quiet or not animated():
        yield _say_nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("painting", total=None)

        def show(progress: Progress) -> None:
            done = (progress.picture - 1) * progress.steps + progress.step
            bar.update(task, total=progress.pictures * progress.steps, completed=done)

        yield show


def _say_nothing(progress: Progress) -> None:
    del progress


def _write(stream: TextIO, text: str) -> None:
    try:
        try:
            stream.write(text + "\n")
        except UnicodeEncodeError:
            # A terminal of another age: what it cannot show is written as an escape.
            stream.write(text.encode("ascii", "backslashreplace").decode("ascii") + "\n")
        stream.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error
