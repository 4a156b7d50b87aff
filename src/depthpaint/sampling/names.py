"""Look a name up in a table; a wrong name is answered with the nearest right ones."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from depthpaint.core.errors import ErrorCode, ParameterError

V = TypeVar("V")


def look_up(table: Mapping[str, V], name: str, noun: str) -> V:
    """Return `table[name]`, or raise an error that calls the entries `noun` and names the nearest ones."""
    if name in table:
        return table[name]
    near = get_close_matches(name.lower(), table, n=3, cutoff=0.4)
    raise ParameterError(
        f"there is no {noun} called {name!r}",
        code=ErrorCode.INVALID_PARAMETER,
        remedy=f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(sorted(table))}",
    )
