"""A manifest (CSV, JSONL, Parquet or a folder): rows, each a request, which can be read repeatedly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from depthpaint.batch.grid import NO_GRID, Grid
from depthpaint.batch.mark import is_marked
from depthpaint.batch.rows import (
    MOST_COLUMNS,
    MOST_ROWS,
    Row,
    csv_rows,
    json_rows,
    require_columns,
    unreadable,
)
from depthpaint.core.errors import DepthError, ParameterError, not_installed
from depthpaint.core.files import is_file, is_folder
from depthpaint.core.regular_file import read_regular_file
from depthpaint.formats.samples import FOLDER_ENDINGS
from depthpaint.record.file_format import OPEN, SUFFIXES, FormatChoice

TEXT = ".txt"
LARGEST_TEXT = 1 << 20
"""Bytes; ten times the longest prompt."""


def folder_rows(folder: Path, *, lone_maps: bool = False) -> Iterator[Row]:
    """Read the pairs of a folder in the order of their names, which are held in memory; ignore other files.

    With `lone_maps`, maps without a text are rows as well, without a prompt and a name.

    The picture of a pair has its name, and may be in the same folder: pictures of a batch beside another
    map, or without a text, do not belong to a pair. Raises ParameterError if the folder cannot be listed.
    """
    try:
        names = sorted(
            (path.stem, path.suffix)
            for path in folder.iterdir()
            if not path.name.startswith(".") and path.suffix.lower() in {TEXT, *FOLDER_ENDINGS}
        )
    except OSError as error:
        raise unreadable(folder, f"it cannot be listed: {error.strerror}", "give a manifest") from error
    number = 0
    for stem, several in groupby(names, key=lambda name: name[0]):
        endings = _without_pictures(folder, stem, [ending for _, ending in several])
        if lone_maps and TEXT not in map(str.lower, endings):
            for ending in endings:
                number += 1
                yield Row(number, {"depth": f"{stem}{ending}"})
        elif endings:
            number += 1
            yield _row(folder, number, stem, endings)


def _without_pictures(folder: Path, stem: str, endings: list[str]) -> list[str]:
    """The endings that may form a pair; a picture is opened only if they do not form one as they are."""
    if len(endings) == 2 and TEXT in map(str.lower, endings):
        return endings
    return [
        ending
        for ending in endings
        if ending.lower() not in SUFFIXES or not is_marked(folder / f"{stem}{ending}")
    ]


def _row(folder: Path, number: int, stem: str, endings: list[str]) -> Row:
    maps = [ending for ending in endings if ending.lower() != TEXT]
    texts = [ending for ending in endings if ending.lower() == TEXT]
    if len(maps) != 1 or len(texts) != 1:
        listed = ", ".join(f"{stem}{ending}" for ending in endings)
        why = f"a pair is a depth map and a text of the same name, but there is {listed}"
        hint = "" if texts else "; one prompt for all maps without a text is given by --prompt"
        return Row(number, problem=why + hint)
    try:
        data = read_regular_file(folder / f"{stem}{texts[0]}", LARGEST_TEXT)
        prompt = data.decode("utf-8-sig").replace("\r\n", "\n").removesuffix("\n")
    except DepthError as error:
        return Row(number, problem=error.message)
    except UnicodeError as error:
        return Row(number, problem=f"{stem}{texts[0]} cannot be read as UTF-8: {error}")
    return Row(number, {"depth": f"{stem}{maps[0]}", "prompt": prompt, "name": stem})


ROWS_AT_ONCE = 8192
LARGEST_GROUP = 1 << 30
"""The largest uncompressed row group in bytes: one is held while its rows are read."""
LONGEST_CELL = 1 << 16
"""The longest text in bytes; a prompt of 10,000 characters takes 40,000 at most."""
BYTES_AT_ONCE = 1 << 24
"""Memory for rows read at once, estimated by the mean of their row group, and as Python strings."""

_PLAIN = "use columns of texts, numbers and true/false"


def parquet_rows(path: Path) -> Iterator[Row]:
    """Read row after row; null means not given. Columns hold plain texts, numbers, true or false.

    Raises ParameterError: pyarrow is missing, or the file is damaged, nested, or too large.
    """
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise not_installed(
            ParameterError, error, f"reading {path}", "parquet", "write the manifest as CSV or JSONL"
        ) from error
    # pyarrow raises its own classes, some of them derived from Exception only.
    try:
        with parquet.ParquetFile(path, memory_map=False) as file:
            _refuse_odd(path, file)
            texts = [column.name for column in file.schema_arrow if not _is_number(column.type)]
        # A dictionary column may repeat a long text in every row: it is kept encoded until the length is
        # known.
        with parquet.ParquetFile(path, memory_map=False, read_dictionary=texts) as file:
            number = 0
            for batch in file.iter_batches(batch_size=_rows_at_once(file.metadata)):
                for values in _values(path, batch, number):
                    number += 1
                    yield Row(number, {key: value for key, value in values.items() if value is not None})
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        if isinstance(error, ParameterError):
            raise
        raise unreadable(
            path, f"it is not a complete Parquet file: {error}"[:200], "write it again"
        ) from error


def _is_number(kind: Any) -> bool:
    types = import_module("pyarrow.types")
    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind)


def _rows_at_once(meta: Any) -> int:
    groups = (meta.row_group(index) for index in range(meta.num_row_groups))
    mean = max((group.total_byte_size // max(1, group.num_rows) for group in groups), default=0)
    return max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE // max(1, mean)))


def _values(path: Path, batch: Any, before: int) -> Iterator[dict[str, Any]]:
    """The rows of a batch, in chunks limited by their longest cells; `before` rows were read earlier."""
    longest = [_longest(column) for column in batch.columns]
    if max(longest, default=0) > LONGEST_CELL:
        name = batch.schema.names[longest.index(max(longest))]
        why = f"a text in the column '{name}' takes more than {LONGEST_CELL:,} bytes"
        raise unreadable(path, why, f"check the rows {before + 1:,} to {before + batch.num_rows:,}")
    step = max(1, BYTES_AT_ONCE // max(1, sum(longest)))
    for start in range(0, batch.num_rows, step):
        yield from batch.slice(start, step).to_pylist()


def _longest(column: Any) -> int:
    """Bytes of the longest text of a column; 0 for numbers."""
    types, compute = import_module("pyarrow.types"), import_module("pyarrow.compute")
    texts = column.dictionary if types.is_dictionary(column.type) else column
    if _is_number(texts.type):
        return 0
    return compute.max(compute.binary_length(texts)).as_py() or 0


def _refuse_odd(path: Path, file: Any) -> None:
    meta = file.metadata
    if meta.num_rows > MOST_ROWS:
        why = f"it declares {meta.num_rows:,} rows, the limit is {MOST_ROWS:,}"
        raise unreadable(path, why, "split it into several manifests")
    if meta.num_columns > MOST_COLUMNS:
        why = f"it has {meta.num_columns:,} columns, the limit is {MOST_COLUMNS:,}"
        raise unreadable(path, why, "remove columns that are not fields")
    for index in range(meta.num_row_groups):
        if meta.row_group(index).total_byte_size > LARGEST_GROUP:
            why = f"a row group unpacks to more than {LARGEST_GROUP:,} bytes"
            raise unreadable(path, why, "write it with smaller row groups")
    types = import_module("pyarrow.types")
    plain = (
        types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean,
        types.is_null,
    )  # fmt: skip
    for column in file.schema_arrow:
        kind = column.type.value_type if types.is_dictionary(column.type) else column.type
        if not any(is_one(kind) for is_one in plain):
            raise unreadable(path, f"the column '{column.name}' contains {column.type}", _PLAIN)
    if "depth" not in file.schema_arrow.names:
        raise unreadable(path, "it has no column 'depth'", "name one column depth and one prompt")
    require_columns(path, file.schema_arrow.names)


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".csv": csv_rows, ".tsv": csv_rows, ".jsonl": json_rows, ".ndjson": json_rows, ".parquet": parquet_rows,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shard:
    """Every `of`-th row, starting with row `index`, both counted from 1: 1 of 1 is all rows."""

    index: int = 1
    of: int = 1

    def holds(self, position: int) -> bool:
        """Whether the row at `position`, counted from 0, belongs to it."""
        return position % self.of == self.index - 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """A CSV, JSONL or Parquet file, or a folder of pairs. Relative depth paths start at `folder`.

    `shard` is the part to paint, `grid` what each row is repeated with; `rows` yields all rows, once.
    `lone_maps`: maps of a folder are rows without a text, too; their prompt is a default of the batch.
    `choice` is the format of the pictures, where the name of a row leaves it open.
    """

    path: Path
    shard: Shard = Shard()
    grid: Grid = NO_GRID
    lone_maps: bool = False
    choice: FormatChoice = OPEN

    @property
    def folder(self) -> Path:
        """The folder of the manifest; for a folder of pairs the folder itself."""
        return self.path if is_folder(self.path) else self.path.parent

    @property
    def unit(self) -> str:
        """The unit of `Row.line`."""
        if is_folder(self.path):
            return "pair"
        return "row" if self.path.suffix.lower() == ".parquet" else "line"

    def rows(self) -> Iterator[Row]:
        """All rows in order, from the start. Raises ParameterError if it cannot be read."""
        position = -1
        for position, row in enumerate(self._reader()(self.path)):
            if position >= MOST_ROWS:
                why = f"it has more than {MOST_ROWS:,} rows"
                raise unreadable(self.path, why, "split it into several manifests")
            yield row
        if position < 0:
            raise unreadable(self.path, "it has no rows", "write one line for each picture, under the header")

    def _reader(self) -> Callable[[Path], Iterator[Row]]:
        if is_folder(self.path):
            return partial(folder_rows, lone_maps=self.lone_maps)
        if not os.path.lexists(self.path):
            raise unreadable(self.path, "the file does not exist", "give a manifest or a folder of pairs")
        if not is_file(self.path):  # a pipe could not be read twice
            raise unreadable(self.path, "it is not a regular file", "give a manifest or a folder of pairs")
        reader = _READERS.get(self.path.suffix.lower())
        if reader is None:
            why = "its name has no known ending"
            raise unreadable(
                self.path, why, f"use one of the endings {', '.join(_READERS)}, or give a folder"
            )
        return reader
