"""A manifest: many rows, each of them a request, read as often as wanted and never held."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from depthpaint.batch.manifests.csv_rows import csv_rows
from depthpaint.batch.manifests.folder_rows import folder_rows
from depthpaint.batch.manifests.json_rows import json_rows
from depthpaint.batch.manifests.parquet_rows import parquet_rows
from depthpaint.batch.manifests.row import MOST_ROWS, Row, unreadable
from depthpaint.core.files import is_file, is_folder

_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".csv": csv_rows, ".tsv": csv_rows, ".jsonl": json_rows, ".ndjson": json_rows, ".parquet": parquet_rows,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shard:
    """Every `of`-th row, beginning with row `index`, both counted from 1: 1 of 1 is all of them."""

    index: int = 1
    of: int = 1

    def holds(self, position: int) -> bool:
        """Whether the row at `position`, counted from 0, belongs to it."""
        return position % self.of == self.index - 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """A CSV, JSONL or Parquet file, or a folder of pairs. Relative depth paths start at `folder`.

    `shard` is the part that is to be painted; the rows are all there.
    """

    path: Path
    shard: Shard = Shard()

    @property
    def folder(self) -> Path:
        """Where the manifest lies; a folder of pairs is that itself."""
        return self.path if is_folder(self.path) else self.path.parent

    @property
    def unit(self) -> str:
        """What `Row.line` counts."""
        if is_folder(self.path):
            return "pair"
        return "row" if self.path.suffix.lower() == ".parquet" else "line"

    def rows(self) -> Iterator[Row]:
        """All rows in their order, from the start. Raises ParameterError where it cannot be read."""
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
            return folder_rows
        if not os.path.lexists(self.path):
            raise unreadable(self.path, "there is no such file", "name a manifest or a folder of pairs")
        if not is_file(self.path):  # a pipe could not be read twice
            raise unreadable(self.path, "it is no regular file", "name a manifest or a folder of pairs")
        reader = _READERS.get(self.path.suffix.lower())
        if reader is None:
            why = "its name does not say what it is"
            raise unreadable(self.path, why, f"let it end in {', '.join(_READERS)}, or name a folder")
        return reader
