"""The bare `depthpaint`: asks for the depth map and the sentence, shows what it understood, paints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from depthpaint.cli.terminal import emit, tell
from depthpaint.core.errors import DepthError, ErrorCode, ParameterError, UnsafeFormatError

if TYPE_CHECKING:
    from depthpaint.depth.depth_map import DepthMap

OUT = Path("output_images")


def interactive() -> None:
    """Ask, show, paint. Answers may also come down a pipe; there a bad answer ends the program."""
    from depthpaint.cli.painting import Destination, describe, paint_into
    from depthpaint.depth.preview import terminal_preview
    from depthpaint.inputs.request import request_from

    path, depth = _ask_for_depth()
    tell(describe(depth.source))
    for note in depth.source.notes:
        tell(note)
    if sys.stderr.isatty():
        tell(terminal_preview(depth))
        tell("bright is near; if it should be the other way round: depthpaint generate --near black")
    prompt = _ask("What should the picture show? ")
    request = request_from({"depth": path, "prompt": prompt})
    _, saved = paint_into(request, Destination(folder=OUT), quiet=False, depth_told=True)
    for picture in saved:
        emit(picture.path)


def _ask_for_depth() -> tuple[Path, DepthMap]:
    from depthpaint.depth.read import read_depth

    while True:
        answer = _ask("Depth map (a PNG or NPY file): ").strip("\"' ")
        try:
            if not answer:
                raise ParameterError(
                    "no depth map was named",
                    code=ErrorCode.INVALID_PARAMETER,
                    remedy="type the path of a PNG or NPY file",
                )
            path = Path(answer).expanduser()
            return path, read_depth(path)
        except (DepthError, UnsafeFormatError, ParameterError) as error:
            if not sys.stdin.isatty():
                raise
            tell(str(error))


def _ask(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise ParameterError(
            "the answers ended before everything was asked",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give the depth map on the first line and the sentence on the second",
        )
    return line.rstrip("\r\n")
