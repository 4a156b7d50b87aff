"""Rows of a JSONL file: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from depthpaint.batch.manifests.row import Row
from depthpaint.batch.manifests.text_lines import not_utf8, text_lines


def json_rows(path: Path) -> Iterator[Row]:
    """Read row after row; null says nothing, empty lines are none.

    Raises ParameterError where the file cannot be read on.
    """
    for number, line in enumerate(text_lines(path), start=1):
        if line.strip():
            yield _row(number, line)


def _row(number: int, line: str) -> Row:
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
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found
