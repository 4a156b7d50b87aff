"""The way in: commands, and every error as one line with its exit status."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType
from typing import Annotated, NoReturn

import typer

from depthpaint.cli import bench, doctor, generate, inspect, models, replay, train
from depthpaint.cli.terminal import ReaderGone, tell
from depthpaint.core.errors import DepthpaintError

INTERNAL, INTERRUPTED, TERMINATED, PIPE_CLOSED = 1, 130, 143, 141

app = typer.Typer(
    name="depthpaint",
    help="Paint a picture from a depth map and a sentence. Without a command it asks for both.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(generate.generate)
app.command()(inspect.inspect)
app.command()(replay.replay)
app.add_typer(models.app, name="models")
app.add_typer(train.app, name="train")
app.command()(bench.bench)
app.command()(doctor.doctor)


class _Terminated(BaseException):
    """SIGTERM, raised where the program stands so that everything is cleaned up on the way out."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from depthpaint import __version__

        typer.echo(f"depthpaint {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def bare(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Paint a picture from a depth map and a sentence. Without a command it asks for both."""
    del version
    if debug:
        os.environ["DEPTHPAINT_DEBUG"] = "1"
    if context.invoked_subcommand is None:
        from depthpaint.cli.interactive import interactive

        interactive()


def main() -> NoReturn:
    """Run the command line and exit with its status; no traceback unless asked for."""
    signal.signal(signal.SIGTERM, _on_sigterm)
    sys.exit(run([_as_utf8(argument) for argument in sys.argv[1:]]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    try:
        status = app(arguments, prog_name="depthpaint", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except DepthpaintError as error:
        return _failed(str(error), error.exit_status)
    except typer.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _failed("interrupted; nothing half-written is left", INTERRUPTED)
    except _Terminated:
        return _failed("terminated; nothing half-written is left", TERMINATED)
    except ReaderGone:
        # The reader has gone; Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the last net: a person sees a sentence, never a stack
        usage = getattr(error, "format_message", None)
        if callable(usage):
            return _failed(f"{usage()}; see depthpaint --help", getattr(error, "exit_code", 2))
        hint = "depthpaint --debug ... shows the traceback"
        return _failed(f"{type(error).__name__}: {error}; {hint}", INTERNAL)


def _failed(message: str, status: int) -> int:
    if os.environ.get("DEPTHPAINT_DEBUG") and status not in (INTERRUPTED, TERMINATED):
        traceback.print_exc()
    tell(f"depthpaint: {'error: ' if status < INTERRUPTED else ''}{message}".replace("\n", " "))
    return status


def _as_utf8(argument: str) -> str:
    """In the C locale Python hides what is not ASCII in half characters; the bytes are UTF-8 all the same."""
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        return argument


def _on_sigterm(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise _Terminated
