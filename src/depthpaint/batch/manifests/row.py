"""A row of a manifest as it was read, and the error for a manifest that cannot be read on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ParameterError

MOST_ROWS = 100_000_000
"""More than this is no manifest but a mistake, or a file that lies about itself."""

MOST_COLUMNS = 1000
"""A request has fewer than fifty fields."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its `line` in the file, counted from 1 (in a Parquet file or a folder its number).

    `values` maps column to what stands there, without what was left empty. Where `problem` is not empty the
    row could not be read, and says why.
    """

    line: int
    values: Mapping[str, object] = field(default_factory=dict[str, object])
    problem: str = ""


def unreadable(manifest: Path, why: str, remedy: str, line: int | None = None) -> ParameterError:
    """The error for a manifest that cannot be read, or not beyond `line`."""
    place = str(manifest) if line is None else f"{manifest}, line {line:,}"
    return ParameterError(
        f"{place}: {why}", code=ErrorCode.INVALID_PARAMETER, value=str(manifest), remedy=remedy
    )
