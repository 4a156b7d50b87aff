"""Rows of a CSV file: the first line names the columns; commas, semicolons or tabs stand between."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from depthpaint.batch.manifests.row import MOST_COLUMNS, Row, unreadable
from depthpaint.batch.manifests.text_lines import LONGEST_LINE, not_utf8, text_lines

_NEEDED = "depth"
_MAY_BE_EMPTY = "prompt"
_CLOSE_QUOTES = "look for a quotation mark that is missing; inside quotes it is written twice"


def csv_rows(path: Path) -> Iterator[Row]:
    """Read row after row; an empty cell says nothing, but an empty prompt is an empty sentence.

    Raises ParameterError where the file has no header, or cannot be read on.
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
            yield _row(line, columns, cells)
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
        why = f"its first line names {len(columns):,} columns, and {MOST_COLUMNS:,} are allowed"
        raise unreadable(path, why, "look for a line end that is missing", 1)
    twice = len(set(columns)) < len(columns)
    if _NEEDED not in columns or twice:
        shown = ", ".join(columns)[:80] or "nothing"
        why = f"its first line names {'a column twice' if twice else f'no column {_NEEDED!r}'}: {shown}"
        raise unreadable(path, why, "begin with a line like depth,prompt,seed", 1)
    return columns


def _row(line: int, columns: list[str], cells: list[str]) -> Row:
    if any(map(not_utf8, cells)):
        return Row(line, problem="it is not UTF-8")
    # Programs write empty cells behind the last column, as they do behind the header.
    spare = cells[len(columns) :]
    if len(cells) < len(columns) or any(spare):
        return Row(
            line, problem=f"it has {len(cells)} cells, and the first line names {len(columns)} columns"
        )
    named = zip(columns, cells, strict=False)
    return Row(line, {name: cell for name, cell in named if cell or name == _MAY_BE_EMPTY})
