"""The lines of a text file that anybody may have written: bounded, whatever its encoding and line ends."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from depthpaint.batch.manifests.row import unreadable

LONGEST_LINE = 1 << 20
"""Characters; the longest sentence and every other field need a fiftieth of it."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def text_lines(path: Path) -> Iterator[str]:
    """Every line with its end: UTF-8, or UTF-16 where the file begins with its mark.

    A byte that is no UTF-8 becomes a lone surrogate, by which `not_utf8` tells its line. Raises
    ParameterError: the file cannot be opened, or a line is longer than LONGEST_LINE.
    """
    encoding = _encoding(path)
    errors = "strict" if encoding == "utf-16" else "surrogateescape"
    with path.open(encoding=encoding, errors=errors, newline="") as file:
        number = 0
        while line := _next(path, file, number + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise unreadable(
                    path,
                    f"the line has more than {LONGEST_LINE:,} characters",
                    "look for a quotation mark or a line end that is missing",
                    number,
                )
            yield line


def not_utf8(text: str) -> bool:
    """Whether the text holds a byte that is no UTF-8."""
    return any("\udc80" <= letter <= "\udcff" for letter in text)


def _next(path: Path, file: TextIO, number: int) -> str:
    try:
        return file.readline(LONGEST_LINE + 1)
    except (UnicodeError, OSError) as error:
        raise unreadable(path, f"it cannot be read on: {error}", "write it as UTF-8", number) from error


def _encoding(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(3)
    except OSError as error:
        raise unreadable(path, f"it cannot be opened: {error.strerror}", "name a manifest") from error
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "utf-8")
