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


class ReaderGone(Exception):
    """Whoever read the output has closed it. Not an OSError: click would turn that into exit status 1."""


def inform(text: str, *, quiet: bool = False, end: str = "\n") -> None:
    """Say something on stderr; what cannot be delivered is lost, because there is nowhere left to say so."""
    if not quiet:
        with suppress(OutputError):
            _write(sys.stderr, _safe(text), end)


def warn(text: str, *, quiet: bool = False) -> None:
    """Say one warning on stderr."""
    inform(f"warning: {text}", quiet=quiet)


def emit(text: str) -> None:
    """Put text for people on stdout, control characters escaped."""
    _write(sys.stdout, _safe(text))


def emit_plain(text: str) -> None:
    """Put the program's own text on stdout for another program, as it is."""
    _write(sys.stdout, text)


def emit_path(path: os.PathLike[str]) -> None:
    """Put a path on stdout: as it is for the next program, escaped for a terminal."""
    text = os.fspath(path)
    _write(sys.stdout, printable(text) if _is_terminal(sys.stdout) else text)


def emit_document(document: Mapping[str, object]) -> None:
    """Put one JSON document on stdout; a number that JSON does not know is a fault of the program."""
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
    """In the C locale Python hides what is not ASCII in half characters; the bytes are UTF-8 all the same."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


@contextmanager
def bar(label: str, total: int, *, quiet: bool) -> Generator[Callable[[], None]]:
    """A bar of `total` things, on a terminal; call what it gives once a thing."""
    if quiet or not animated():
        yield _nothing
        return
    with _progress() as shown:
        task = shown.add_task(_safe(label), total=total)
        yield lambda: shown.update(task, advance=1)


@contextmanager
def step_bar(*, quiet: bool) -> Generator[Callable[[Progress], None]]:
    """A bar with steps and time left, on a terminal; elsewhere nothing is shown."""
    if quiet or not animated():
        yield _say_nothing
        return
    with _progress() as shown:
        task = shown.add_task("painting", total=None)

        def show(progress: Progress) -> None:
            done = (progress.picture - 1) * progress.steps + progress.step
            shown.update(task, total=progress.pictures * progress.steps, completed=done)

        yield show


def _progress() -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    # A label may be a path, and "x[/bold]y" is one: it is text, not rich's markup.
    label = TextColumn("{task.description}", markup=False)
    return live(label, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def live(*columns: ProgressColumn) -> Bar:
    """A bar on stderr. What is printed meanwhile goes above it on a terminal, and otherwise where it belongs.

    By itself, rich would send standard output to the terminal too, away from the program that reads it.
    """
    from rich.console import Console
    from rich.progress import Progress as Bar

    return Bar(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=_is_terminal(sys.stdout)
    )


def _nothing() -> None:
    """Nobody looks."""


def _say_nothing(progress: Progress) -> None:
    del progress


def _safe(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _write(stream: TextIO | None, text: str, end: str = "\n") -> None:
    if stream is None:  # closed before the program began
        return
    try:
        try:
            stream.write(text + end)
        except UnicodeEncodeError:
            # A terminal of another age: what it cannot show is written as an escape.
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
    """Lead the stream nowhere: Python flushes it once more at exit and would complain again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
