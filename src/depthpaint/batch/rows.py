"""Rows of CSV and JSONL manifests, read line by line from untrusted text."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, cast

from depthpaint.core.errors import ErrorCode, ParameterError, printable
from depthpaint.request import MOST_UNKNOWN, field_of, near_field

MOST_ROWS = 100_000_000
"""The most rows; more indicate a mistake, or a file with a false header."""

MOST_COLUMNS = 1000
"""A request has fewer than fifty fields."""

NAME = "name"
"""The column for the file name of the row's picture, without folder; all others are fields of a request."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its `line` in the file, counted from 1 (in a Parquet file or a folder its number).

    `values` maps columns to values, without empty ones. `problem`, if not empty, is the reason why the row
    could not be read. `point` holds the values of a grid's axes at the row (batch.grid).
    """

    line: int
    values: Mapping[str, object] = field(default_factory=dict[str, object])
    problem: str = ""
    point: tuple[str, ...] = ()


def unreadable(manifest: Path, why: str, remedy: str, line: int | None = None) -> ParameterError:
    """The error for a manifest that cannot be read, or only up to `line`."""
    place = str(manifest) if line is None else f"{manifest}, line {line:,}"
    return ParameterError(
        f"{place}: {why}", code=ErrorCode.INVALID_PARAMETER, value=str(manifest), remedy=remedy
    )


LONGEST_LINE = 1 << 20
"""Characters; fifty times the longest prompt with all other fields."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def text_lines(path: Path) -> Iterator[str]:
    """Every line with its end: UTF-8, or UTF-16 if the file starts with its byte order mark.

    A byte that is not UTF-8 becomes a lone surrogate, which `not_utf8` detects. Raises ParameterError: the
    file cannot be opened, or a line is longer than LONGEST_LINE.
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
                    "check for a missing quotation mark or line end",
                    number,
                )
            yield line


def not_utf8(text: str) -> bool:
    """Whether the text contains a byte that is not UTF-8."""
    return any("\udc80" <= letter <= "\udcff" for letter in text)


def _next(path: Path, file: TextIO, number: int) -> str:
    try:
        return file.readline(LONGEST_LINE + 1)
    except (UnicodeError, OSError) as error:
        raise unreadable(path, f"reading failed: {error}", "write it as UTF-8", number) from error


def _encoding(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(3)
    except OSError as error:
        raise unreadable(path, f"it cannot be opened: {error.strerror}", "give a manifest") from error
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "utf-8")


_NEEDED = "depth"
_CLOSE_QUOTES = "check for a missing quotation mark; inside quotes it is written twice"


def csv_rows(path: Path) -> Iterator[Row]:
    """Read row after row; an empty cell means not given.

    Raises ParameterError if the file has no header, or reading fails.
    """
    lines = text_lines(path)
    header = next(lines, "")
    delimiter = _delimiter(header)
    columns = _columns(path, header.strip().split(delimiter))
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 2
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise unreadable(path, str(error), _CLOSE_QUOTES, line) from error
        if any(cells):
            yield _csv_row(line, columns, cells)
        line = reader.line_num + 2


def _delimiter(header: str) -> str:
    return next((mark for mark in ",;\t" if _NEEDED in _names(header.split(mark))), ",")


def _names(cells: list[str]) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in cells]


def _columns(path: Path, cells: list[str]) -> list[str]:
    columns = _names(cells)
    while columns and not columns[-1]:
        columns.pop()  # a comma at the end of the line
    if len(columns) > MOST_COLUMNS:
        why = f"its first line has {len(columns):,} columns, the limit is {MOST_COLUMNS:,}"
        raise unreadable(path, why, "check for a missing line end", 1)
    twice = len(set(columns)) < len(columns)
    if _NEEDED not in columns or twice:
        shown = ", ".join(columns)[:80] or "nothing"
        why = f"its first line has {'a column twice' if twice else f'no column {_NEEDED!r}'}: {shown}"
        raise unreadable(path, why, "start with a line like depth,prompt,seed", 1)
    require_columns(path, columns)
    return columns


def require_columns(path: Path, columns: Iterable[str]) -> None:
    """Raise ParameterError for columns that are neither `name` nor a field of a request."""
    unknown = [name for name in columns if name != NAME and field_of(name) is None]
    if not unknown:
        return
    shown: list[str] = []
    for name in unknown[:MOST_UNKNOWN]:
        near = near_field(name, NAME)
        shown.append(f"{printable(name[:60])!r}" + (f" (did you mean {near!r}?)" if near else ""))
    more = f" and {len(unknown) - len(shown):,} more" if len(unknown) > len(shown) else ""
    why = f"there is no column {', '.join(shown)}{more}"
    raise unreadable(path, why, "rename or remove it; depthpaint batch --columns lists the columns")


def _csv_row(line: int, columns: list[str], cells: list[str]) -> Row:
    if any(map(not_utf8, cells)):
        return Row(line, problem="it is not UTF-8")
    # Programs write empty cells after the last column, as in the header.
    spare = cells[len(columns) :]
    if len(cells) < len(columns) or any(spare):
        return Row(line, problem=f"it has {len(cells)} cells, but the first line has {len(columns)} columns")
    named = zip(columns, cells, strict=False)
    return Row(line, {name: cell for name, cell in named if cell})


def json_rows(path: Path) -> Iterator[Row]:
    """Read row after row; null means not given, empty lines are skipped.

    Raises ParameterError if reading fails.
    """
    for number, line in enumerate(text_lines(path), start=1):
        if line.strip():
            yield _json_row(number, line)


def _json_row(number: int, line: str) -> Row:
    if not_utf8(line):
        return Row(number, problem="it is not UTF-8")
    try:
        values: object = json.loads(line, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        return Row(number, problem=f"it is not one JSON object: {error}"[:200])
    if not isinstance(values, dict):
        return Row(number, problem="it is not one JSON object in braces")
    named = cast("dict[str, object]", values)
    return Row(number, {name: value for name, value in named.items() if value is not None})


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    by_name = dict(pairs)
    if len(by_name) < len(pairs):
        raise ValueError("a name occurs twice")
    return by_name
