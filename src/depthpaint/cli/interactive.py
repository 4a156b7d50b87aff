"""`depthpaint` without arguments: ask for a depth map and a prompt, show the depth, paint."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np

from depthpaint.cli.config import OUT_FOLDER, user_config
from depthpaint.cli.options import runtime_of
from depthpaint.cli.painting import describe, paint_into
from depthpaint.cli.terminal import as_utf8, can_show, emit_path, inform, warn
from depthpaint.core.errors import DepthError, ErrorCode, ParameterError, UnsafeFormatError
from depthpaint.core.files import expanded, is_folder
from depthpaint.core.geometry import Extent, Fit, place
from depthpaint.depth.depth_map import DepthMap, DepthReading
from depthpaint.depth.read import read_depth, require_certain
from depthpaint.depth.resize import fit_depth
from depthpaint.record.paths import Destination, probe
from depthpaint.request import request_from

try:
    import readline
except ImportError:  # Windows
    readline = None

SHADES = " ░▒▓█"  # far to near
INVALID = "·"
_MAX_ROWS = 60


def terminal_preview(depth: DepthMap, columns: int = 48) -> str:
    """Draw `depth` in lines of `columns` characters: near as full blocks, far as blanks, unknown as dots.

    A character is about twice as high as wide, so there are half as many lines; at most 60.
    """
    size = depth.source.size
    columns = max(1, columns)
    rows = max(1, round(columns / size.ratio / 2))
    if rows > _MAX_ROWS:
        columns, rows = max(1, round(columns * _MAX_ROWS / rows)), _MAX_ROWS
    extent = Extent(columns, rows)
    values, valid = fit_depth(depth, place(size, extent, Fit.STRETCH), extent)
    shades = np.minimum((values * len(SHADES)).astype(np.intp), len(SHADES) - 1)
    letters = np.where(valid, np.array(list(SHADES))[shades], INVALID)
    return "\n".join("".join(row) for row in letters.tolist())


def interactive() -> None:
    """Ask, show, paint. Answers may also come from a pipe; then a bad answer is an error."""
    own = user_config()
    runtime = runtime_of(own.device or "auto", own.precision or "auto", threads=own.threads or 0)
    out = Path(own.out or OUT_FOLDER)
    probe(out)
    path, depth = _ask_for_depth()
    depth = _sure_of_near(path, depth)
    inform(describe(depth.source))
    for note in depth.source.notes:
        warn(note)
    if can_show(SHADES + INVALID):
        inform(terminal_preview(depth))
        inform("full blocks are near; to swap near and far: depthpaint generate --near white (or black)")
    prompt = as_utf8(_ask_for_prompt())
    request = request_from({"depth": path, "prompt": prompt, "near": depth.source.near, **own.settings()})
    destination = Destination(folder=out)
    for made in paint_into(request, destination, quiet=False, depth_shown=True, runtime=runtime):
        emit_path(made.saved.path)


def _ask_for_depth() -> tuple[Path, DepthMap]:
    while True:
        answer = _ask("Depth map (PNG, TIFF, EXR, NPY, ...): ", paths=True)
        try:
            if not answer.strip("\"' "):
                raise ParameterError(
                    "no depth map was given",
                    code=ErrorCode.INVALID_PARAMETER,
                    remedy="type the path of a depth map, or drop the file onto this window",
                )
            path = dropped_path(answer)
            return path, read_depth(path)
        except (DepthError, UnsafeFormatError, ParameterError) as error:
            if not sys.stdin.isatty():
                raise
            inform(str(error))


def _ask_for_prompt() -> str:
    """The prompt. On a terminal an empty answer is asked again; elsewhere it is refused later."""
    while True:
        answer = _ask("What should the picture show? ")
        if answer.strip() or not sys.stdin.isatty():
            return answer
        inform("the prompt is empty; describe the picture, for example: a house in the forest, in autumn")


def dropped_path(text: str) -> Path:
    """The path that was typed, or that a terminal or file manager wrote when a file was dropped onto it.

    These are in quotes (also after PowerShell's "&"), with a backslash before special characters, or a
    file:// address. A text that is the path of a file as it stands is taken so.
    """
    text = text.strip()
    if os.path.exists(text):  # noqa: PTH110 - Path.exists raises an error for a name that is too long
        return Path(text)
    if text.startswith("& "):
        text = text[2:].strip()
    if text.lower().startswith("file:"):
        return Path(url2pathname(urlsplit(text).path))
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        # Shells write a quotation mark within single quotes as '\\''.
        text = text[1:-1].replace("'\\''", "'")
    elif os.name != "nt":
        text = re.sub(r"\\(.)", r"\1", text)
    return expanded(text.strip("\"'"))


def _sure_of_near(path: Path, depth: DepthMap) -> DepthMap:
    """If it is not clear which end of the map is near, show it both ways and ask."""
    try:
        require_certain(depth.source)
    except DepthError:
        if not sys.stdin.isatty():
            raise
    else:
        return depth
    both = [read_depth(path, DepthReading(near=near)) for near in ("white", "black")]
    if can_show(SHADES + INVALID):
        shown = [terminal_preview(one, columns=36).split("\n") for one in both]
        for left, right in zip(*shown, strict=True):
            inform(f"{left}    {right}")
        inform(f"{'1: white is near':<36}    2: black is near")
    while True:
        answer = _ask("Which one is right, with near as full blocks? 1 or 2:").strip()
        if answer in ("1", "2"):
            return both[int(answer) - 1]


LONGEST_ANSWER = 20_000


def _ask(question: str, *, paths: bool = False) -> str:
    """Ask on stderr and read one line from stdin; with `paths`, Tab completes a path on a terminal.

    Raises ParameterError if there is no line.
    """
    if (line := _edited_line(question, paths=paths)) is not None:
        return line
    inform(question.rstrip(), end=" ")
    try:
        line = sys.stdin.readline(LONGEST_ANSWER) if sys.stdin is not None else ""
    except UnicodeDecodeError as error:
        inform("")
        raise ParameterError(
            "the answer is not text in the encoding of this terminal",
            code=ErrorCode.INVALID_PARAMETER,
            remedy=f"send it as {error.encoding}",
        ) from error
    if not sys.stdin or not sys.stdin.isatty():
        inform("")  # no Enter key ended the line
    if len(line) == LONGEST_ANSWER:
        raise ParameterError(
            f"the answer is longer than {LONGEST_ANSWER:,} characters",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="shorten it",
        )
    if not line:
        raise _ended()
    return line.rstrip("\r\n")


def _edited_line(question: str, *, paths: bool) -> str | None:
    """A line typed with the keys of readline; None where there is no readline or no terminal.

    readline draws the question itself, on stdout, so that both streams must be the terminal.
    """
    if readline is None or not (_is_terminal(sys.stdin, 0) and _is_terminal(sys.stdout, 1)):
        return None
    readline.set_completer(_completed if paths else None)
    readline.set_completer_delims("")
    uses_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if uses_libedit else "tab: complete")
    try:
        return input(question)
    except EOFError as error:
        raise _ended() from error
    finally:
        readline.set_completer(None)


def _is_terminal(stream: TextIO | None, descriptor: int) -> bool:
    try:
        return stream is not None and stream.fileno() == descriptor and stream.isatty()
    except (OSError, ValueError):  # replaced by another object, or closed
        return False


def _completed(text: str, state: int) -> str | None:
    """The completion number `state` of a path, as readline asks for it; None after the last."""
    folder, slash, start = text.rpartition("/")
    place = expanded(f"{folder}{slash}" or ".")
    try:
        entries = sorted(path for path in place.iterdir() if path.name.startswith(start))
    except OSError:  # no such folder
        return None
    shown = [path for path in entries if start or not path.name.startswith(".")]
    names = [f"{folder}{slash}{path.name}" + ("/" if is_folder(path) else "") for path in shown]
    return names[state] if state < len(names) else None


def _ended() -> ParameterError:
    return ParameterError(
        "the input ended before all questions were answered",
        code=ErrorCode.INVALID_PARAMETER,
        remedy="give the depth map on the first line and the prompt on the second",
    )
