"""Rows of a Parquet file, through pyarrow, which is an extra."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from depthpaint.batch.manifests.row import MOST_ROWS, Row, unreadable
from depthpaint.core.errors import ErrorCode, ParameterError

ROWS_AT_ONCE = 1024
LARGEST_GROUP = 1 << 30
"""Bytes that a row group may unpack to: one is held while its rows are read."""

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
            number = 0
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(number, {key: value for key, value in values.items() if value is not None})
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        if isinstance(error, ParameterError):
            raise
        raise unreadable(path, f"it is no whole Parquet file: {error}"[:200], "write it again") from error


def _refuse_odd(path: Path, file: Any) -> None:
    meta = file.metadata
    if meta.num_rows > MOST_ROWS:
        why = f"it declares {meta.num_rows:,} rows, and {MOST_ROWS:,} are allowed"
        raise unreadable(path, why, "split it into several manifests")
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
