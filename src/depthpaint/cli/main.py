"""Run the command line. Every error becomes one line and an exit status."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from depthpaint.cli import terminal as interruption
from depthpaint.cli.commands import Commands, new_app
from depthpaint.cli.completion import COMPLETION, answer, is_wanted
from depthpaint.cli.terminal import ReaderGone, emit, inform, unwritten
from depthpaint.core.errors import (
    INTERRUPTED,
    SIGNALLED,
    STATUSES,
    Cancelled,
    DepthpaintError,
    ErrorCode,
    is_shortage,
    out_of_memory,
    require_room,
)
from depthpaint.core.files import is_full

INTERNAL, PIPE_CLOSED = 1, 141
FOLDER_GONE = STATUSES[ErrorCode.OUTPUT_NOT_WRITABLE][0]
DEBUG = "--debug"

app = new_app(
    name="depthpaint",
    cls=Commands,
    help="Paint a picture from a depth map and a prompt. Without a command it asks for both.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from depthpaint import __version__

        emit(f"depthpaint {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def bare(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(DEBUG, help="Show tracebacks. May also follow a command. Or set DEPTHPAINT_DEBUG=1."),
    ] = False,
) -> None:
    """Paint a picture from a depth map and a prompt. Without a command it asks for both.

    Example: depthpaint generate depth.png "a red sphere on snow, at night"
    """
    del version, debug  # `run` has removed --debug; it is here for the help
    if context.invoked_subcommand is None:
        from depthpaint.cli.interactive import interactive

        interactive()


def main() -> NoReturn:
    """Run the command line and exit with its status. Tracebacks are shown with --debug only."""
    interruption.unwind()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    arguments, debug = _without_debug(arguments)
    try:
        if not arguments and os.environ.get(COMPLETION):
            if is_wanted():
                return answer(app)
        require_room()
        return _run(arguments)
    except ReaderGone:
        return PIPE_CLOSED
    except DepthpaintError as error:
        _show_traceback(debug)
        return _failed(str(error), error.exit_status)
    except interruption.Terminated as terminated:
        return _failed("terminated; no incomplete file is left", terminated.status)
    except Exception as error:  # noqa: BLE001 - the last resort: show a message, not a traceback
        _show_traceback(debug)
        # MemoryError, or what libraries raise instead.
        if is_shortage(error):
            short = out_of_memory("", "use a smaller --size or a smaller --count")
            return _failed(str(short), short.exit_status)
        if not _has_working_folder():
            return _failed("the working folder was deleted; change to a folder that exists", FOLDER_GONE)
        usage = getattr(error, "format_message", None)
        if callable(usage):
            command = getattr(getattr(error, "ctx", None), "command_path", "depthpaint")
            return _failed(f"{usage()}; see {command} --help", getattr(error, "exit_code", 2))
        return _failed(f"{type(error).__name__}: {error}; run again with {DEBUG} for the traceback", INTERNAL)


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _run(arguments: list[str]) -> int:
    """Run the typer app. Raise what typer has turned into exit statuses: interrupts and closed pipes."""
    try:
        status = _unless_interrupted(arguments)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except SystemExit as leaving:
        # typer writes --help itself, and exits with 1 if the pipe is closed.
        if isinstance(leaving.__context__, BrokenPipeError):
            raise ReaderGone from leaving
        raise
    except OSError as error:
        # An error while typer writes help; files of commands raise OutputError.
        if is_full(error) and error.filename is None and not isinstance(error, DepthpaintError):
            raise unwritten(sys.stdout, error) from error
        raise
    # typer returns an interrupt as a status, without a message.
    if status == INTERRUPTED:
        raise Cancelled("interrupted; no incomplete file is left", code=ErrorCode.CANCELLED)
    return status if isinstance(status, int) else 0


def _unless_interrupted(arguments: list[str]) -> object:
    try:
        # complete_var is empty because `run` handles completion: click would end every command if it is set.
        return app(arguments, prog_name="depthpaint", complete_var="", standalone_mode=False)
    except Exception:
        interruption.require_uninterrupted()
        raise


def _failed(message: str, status: int) -> int:
    inform(f"depthpaint: {'error: ' if status < SIGNALLED else ''}{message}".replace("\n", " "))
    return status


def _show_traceback(wanted: bool) -> None:
    if wanted:
        inform(traceback.format_exc().rstrip())


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """Remove --debug anywhere before a "--", so that it can be added at the end of a command."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [argument for argument in arguments[:end] if argument != DEBUG]
    wanted = len(kept) < end or os.environ.get("DEPTHPAINT_DEBUG", "0") not in ("", "0")
    return [*kept, *arguments[end:]], wanted
