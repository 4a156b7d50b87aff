"""Rows of a Parquet file, through pyarrow, which is an extra."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from depthpaint.batch.manifests.row import MOST_COLUMNS, MOST_ROWS, Row, unreadable
from depthpaint.core.errors import ErrorCode, ParameterError

ROWS_AT_ONCE = 8192
LARGEST_GROUP = 1 << 30
"""Bytes that a row group may unpack to: one is held while its rows are read."""
LONGEST_CELL = 1 << 16
"""Bytes of a text; a prompt of 10,000 letters takes 40,000 at most."""
BYTES_AT_ONCE = 1 << 24
"""What the rows that are held may take, by the mean of their row group, and as texts of Python."""

_PLAIN = "use columns of texts, numbers and true/false"


def parquet_rows(path: Path) -> Iterator[Row]:
    """Read row after row; null says nothing. Columns are plain: texts, numbers, true and false.

    Raises ParameterError: pyarrow is missing, or the file is damaged, nested, or larger than any manifest.
    """
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise ParameterError(
            f"reading {path} needs pyarrow",
            code=ErrorCode.INVALID_PARAMETER,
            remedy='pip install "depthpaint[parquet]", or write the manifest as CSV or JSONL',
        ) from error
    # What pyarrow raises is its own, and some of it is no more than an Exception.
    try:
        with parquet.ParquetFile(path, memory_map=False) as file:
            _refuse_odd(path, file)
            texts = [column.name for column in file.schema_arrow if not _is_number(column.type)]
        # A dictionary may name a long text in every row: it is kept as one until its length is known.
        with parquet.ParquetFile(path, memory_map=False, read_dictionary=texts) as file:
            number = 0
            for batch in file.iter_batches(batch_size=_rows_at_once(file.metadata)):
                for values in _values(path, batch, number):
                    number += 1
                    yield Row(number, {key: value for key, value in values.items() if value is not None})
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        if isinstance(error, ParameterError):
            raise
        raise unreadable(path, f"it is no whole Parquet file: {error}"[:200], "write it again") from error


def _is_number(kind: Any) -> bool:
    types = import_module("pyarrow.types")
    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind)


def _rows_at_once(meta: Any) -> int:
    groups = (meta.row_group(index) for index in range(meta.num_row_groups))
    mean = max((group.total_byte_size // max(1, group.num_rows) for group in groups), default=0)
    return max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE // max(1, mean)))


def _values(path: Path, batch: Any, before: int) -> Iterator[dict[str, Any]]:
    """The rows of a batch, as many at a time as their longest cells allow; `before` rows were read."""
    longest = [_longest(column) for column in batch.columns]
    if max(longest, default=0) > LONGEST_CELL:
        name = batch.schema.names[longest.index(max(longest))]
        why = f"a text of the column '{name}' takes more than {LONGEST_CELL:,} bytes"
        raise unreadable(path, why, f"look at the rows {before + 1:,} to {before + batch.num_rows:,}")
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
        why = f"it declares {meta.num_rows:,} rows, and {MOST_ROWS:,} are allowed"
        raise unreadable(path, why, "split it into several manifests")
    if meta.num_columns > MOST_COLUMNS:
        why = f"it has {meta.num_columns:,} columns, and {MOST_COLUMNS:,} are allowed"
        raise unreadable(path, why, "leave out what is no field")
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
            raise unreadable(path, f"the column '{column.name}' holds {column.type}", _PLAIN)
    if "depth" not in file.schema_arrow.names:
        raise unreadable(path, "it has no column 'depth'", "name a column depth, one prompt")
