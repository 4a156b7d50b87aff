"""A sweep over settings: the product of a few values of each, as in an X/Y plot."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import prod

from depthpaint.batch.rows import NAME, Row
from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.files import safe_stem
from depthpaint.record.file_format import suffix_of
from depthpaint.request import field_of, near_field

MOST_POINTS = 10_000
"""Points of a grid; more indicate a mistake."""
_NOT_SWEPT = ("depth", "count", NAME)


@dataclass(frozen=True, slots=True)
class Axis:
    """A field and its values as texts. `label` is the field as the user wrote it."""

    field: str
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The axes of a sweep; without axes it has one point, which changes nothing."""

    axes: tuple[Axis, ...] = ()

    def rows(self, row: Row) -> Iterator[Row]:
        """The row at each point of the grid; the last axis changes fastest."""
        if row.problem or not self.axes:
            yield row
            return
        for values, words in zip(self.points(), _words_of(self), strict=True):
            fields = {axis.field: value for axis, value in zip(self.axes, values, strict=True)}
            # The row may name a field by its flag.
            kept = {name: value for name, value in row.values.items() if field_of(name) not in fields}
            if isinstance(name := kept.get(NAME), str):
                suffix = suffix_of(name)
                kept[NAME] = f"{name.removesuffix(suffix)}-{words}{suffix}"
            yield replace(row, values={**kept, **fields}, point=values)

    def points(self) -> Iterator[tuple[str, ...]]:
        """The values of the axes at each point; the last axis changes fastest."""
        return product(*(axis.values for axis in self.axes))


NO_GRID = Grid()


@lru_cache(4)
def _words_of(grid: Grid) -> tuple[str, ...]:
    """Words for file names, one for each point: those that several points share are numbered."""
    labels = [axis.label for axis in grid.axes]
    words = [
        safe_stem(" ".join(f"{label} {value}" for label, value in zip(labels, values, strict=True)))
        for values in grid.points()
    ]
    times = Counter(words)
    # No other words contain two hyphens in a row.
    return tuple(
        f"{each}--{number}" if times[each] > 1 else each for number, each in enumerate(words, start=1)
    )


def grid_of(texts: Sequence[str]) -> Grid:
    """The grid of texts like "guidance=5,7.5". Values with a comma are quoted, as in CSV.

    Raises ParameterError for an unknown field, a field without values or given twice, and a grid of too many
    points.
    """
    axes: list[Axis] = []
    for text in texts:
        label, equals, listed = text.partition("=")
        label, field = label.strip(), field_of(label.strip())
        if field is None or field in _NOT_SWEPT:
            near = "" if field else near_field(label)
            raise _refused(
                text, f"there is no setting {label!r}" + (f", did you mean {near!r}?" if near else "")
            )
        try:
            cells = next(csv.reader([listed], skipinitialspace=True), list[str]())
        except csv.Error as error:
            raise _refused(text, "a value with a line end needs quotation marks") from error
        values = tuple(value.strip() for value in cells)
        if not equals or not values or "" in values:
            raise _refused(text, "it needs values, separated by commas")
        if len(set(values)) < len(values) or field in (axis.field for axis in axes):
            raise _refused(text, "a setting, or a value of it, is given twice")
        axes.append(Axis(field, label, values))
    if (points := prod(len(axis.values) for axis in axes)) > MOST_POINTS:
        raise ParameterError(
            f"the grid has {points:,} points, the limit is {MOST_POINTS:,}",
            code=ErrorCode.INVALID_PARAMETER,
            value=points,
            limit=MOST_POINTS,
            remedy="give fewer values",
        )
    return Grid(tuple(axes))


def _refused(text: str, why: str) -> ParameterError:
    return ParameterError(
        f"--grid {text!r} cannot be used: {why}",
        code=ErrorCode.INVALID_PARAMETER,
        value=text,
        remedy="write --grid guidance=5,7.5, for example; depthpaint batch --columns lists the settings",
    )
