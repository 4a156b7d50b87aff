"""Output for people: messages and progress on stderr, results on stdout, and Ctrl-C without a traceback."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TextIO

from depthpaint.core.errors import ENDING, OutputError, printable, status_after
from depthpaint.core.files import output_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn

    from depthpaint.picture import Progress


_raised: list[int] = []


class Terminated(BaseException):
    """SIGTERM or SIGHUP, as KeyboardInterrupt is SIGINT."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__(number)
        self.status = status_after(number)


def exit_at_once() -> None:
    """Let a signal end the program at once: while it is importing there is nothing to clean up."""
    _handle(_exit)


def unwind() -> None:
    """From now on a signal raises an exception, so that a command can clean up."""
    _handle(_raise_and_remember)


def require_uninterrupted() -> None:
    """Raise an interruption again that a library, like pydantic, has turned into an error of its own."""
    if _raised:
        _raise(_raised[0])


def _handle(handler: Callable[[int, FrameType | None], NoReturn]) -> None:
    for number in ENDING:
        # The program may have been started with a signal ignored, as nohup does; then it stays ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    interrupted = number == signal.SIGINT
    # Not sys.exit: a module that is being imported may turn its exception into another one.
    with suppress(OSError):
        os.write(2, b"depthpaint: interrupted\n" if interrupted else b"depthpaint: terminated\n")
    os._exit(status_after(number))


def _raise_and_remember(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    _raised.append(number)
    _raise(number)


def _raise(number: int) -> NoReturn:
    raise (KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)) from None


class ReaderGone(Exception):
    """The program that read the output has closed it. Not an OSError: click exits with 1 for those."""


def inform(text: str, *, quiet: bool = False, end: str = "\n") -> None:
    """Print a message on stderr. If that fails, it is ignored: there is no other place for messages."""
    if not quiet:
        with suppress(OutputError):
            _write(sys.stderr, _safe(text), end)


def warn(text: str, *, quiet: bool = False) -> None:
    """Print one warning on stderr."""
    inform(f"warning: {text}", quiet=quiet)


def emit(text: str) -> None:
    """Print text for people on stdout; control characters are escaped."""
    _write(sys.stdout, _safe(text))


def emit_plain(text: str) -> None:
    """Print the program's own text on stdout, unchanged, for another program."""
    _write(sys.stdout, text)


def emit_path(path: os.PathLike[str]) -> None:
    """Print a path on stdout: escaped on a terminal, unchanged for another program."""
    text = os.fspath(path)
    _write(sys.stdout, printable(text) if _is_terminal(sys.stdout) else text)


def emit_document(document: Mapping[str, object]) -> None:
    """Print one JSON document on stdout. Raises ValueError for a number that JSON does not have."""
    _write(sys.stdout, json.dumps(document, ensure_ascii=True, allow_nan=False))


def animated() -> bool:
    """Whether stderr is a terminal that can redraw a line."""
    return _is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"


def can_show(letters: str) -> bool:
    """Whether stderr is a terminal whose encoding has these characters."""
    try:
        letters.encode(sys.stderr.encoding)
    except (UnicodeEncodeError, AttributeError):
        return False
    return _is_terminal(sys.stderr)


def as_utf8(text: str) -> str:
    """An argument as UTF-8. In the C locale Python replaces bytes that are not ASCII by surrogates."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


@contextmanager
def bar(label: str, total: int, *, quiet: bool) -> Generator[Callable[[], None]]:
    """A progress bar with `total` steps, if stderr is a terminal. Call the result once per step."""
    if quiet or not animated():
        yield _no_bar
        return
    with _progress() as shown:
        task = shown.add_task(_safe(label), total=total)
        yield lambda: shown.update(task, advance=1)


@contextmanager
def step_bar(*, quiet: bool) -> Generator[Callable[[Progress], None]]:
    """A progress bar for the steps of pictures, if stderr is a terminal."""
    if quiet or not animated():
        yield _no_step_bar
        return
    with _progress() as shown:
        task = shown.add_task("painting", total=None)

        def show(progress: Progress) -> None:
            done = (progress.picture - 1) * progress.steps + progress.step
            shown.update(task, total=progress.pictures * progress.steps, completed=done)

        yield show


def _progress() -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    # A label may be a path like "x[/bold]y", which rich would read as markup.
    label = TextColumn("{task.description}", markup=False)
    return live(label, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def live(*columns: ProgressColumn) -> Bar:
    """A progress bar on stderr.

    On a terminal, text on stdout appears above the bar. If stdout goes elsewhere it is left alone: rich
    would send it to the terminal, too.
    """
    from rich.console import Console
    from rich.progress import Progress as Bar

    return Bar(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=_is_terminal(sys.stdout)
    )


def _no_bar() -> None:
    """There is no bar to advance."""


def _no_step_bar(progress: Progress) -> None:
    del progress


def _safe(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _write(stream: TextIO | None, text: str, end: str = "\n") -> None:
    if stream is None:  # it was closed before the program started
        return
    try:
        try:
            stream.write(text + end)
        except UnicodeEncodeError:
            # The encoding lacks some characters: they are written as escapes.
            stream.write(text.encode("ascii", "backslashreplace").decode("ascii") + end)
        stream.flush()
    except BrokenPipeError as error:
        _abandon(stream)
        raise ReaderGone from error
    except OSError as error:
        raise unwritten(stream, error) from error


def unwritten(stream: TextIO, error: OSError) -> OutputError:
    """The error for a standard stream that cannot be written: disk_full or output_not_writable."""
    _abandon(stream)
    failed = output_error(Path(stream.name), error)
    return OutputError(
        failed.message, code=failed.code, remedy="free some space, or send the output elsewhere"
    )


def _abandon(stream: TextIO) -> None:
    """Send the stream to the null device: Python flushes it at exit, which would fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
