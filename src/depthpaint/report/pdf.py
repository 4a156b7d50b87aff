"""A report as a PDF, set by typst from data: nothing of a sentence is ever read as markup."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, cast

from depthpaint.core.errors import printable
from depthpaint.report.document import Document, Section, Shown, Table, shortened, written
from depthpaint.report.needs import needs_extra

MOST_ROWS = 500
"""Longer tables are cut: nobody leafs through them, and the page has them all."""
LONGEST_RECIPE = 2000
"""Characters; a longer command would fill pages, and is copied from the HTML anyway."""


def as_pdf(document: Document) -> bytes:
    """The PDF's bytes; equal documents give equal bytes on one machine.

    Raises ParameterError where typst is missing.
    """
    try:
        import typst
    except ImportError as error:
        raise needs_extra(error, "a PDF") from error
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = resources.files("depthpaint.report").joinpath("page.typ").read_bytes()
        (folder / "page.typ").write_bytes(template)
        sections = [_section(section, number, folder) for number, section in enumerate(document.sections)]
        summary = list(map(shortened, document.summary))
        data = {"title": shortened(document.title), "summary": summary, "sections": sections}
        (folder / "data.json").write_text(json.dumps(_on_one_line(data)), encoding="utf-8")
        # Fixed, so that equal reports are equal files.
        made: Any = typst.compile(str(folder / "page.typ"), root=name, format="pdf", timestamp=0)
    return bytes(made)


def _on_one_line(data: Any) -> Any:
    """The data with every sentence as it may be shown."""
    if isinstance(data, str):
        return printable(data)
    if isinstance(data, Mapping):
        return {key: _on_one_line(value) for key, value in cast("Mapping[str, Any]", data).items()}
    if isinstance(data, list | tuple):
        return [_on_one_line(value) for value in cast("Sequence[Any]", data)]
    return data


def _section(section: Section, number: int, folder: Path) -> dict[str, object]:
    """The section as data, its plots and pictures as files in `folder`."""
    figures: list[dict[str, str]] = []
    for index, figure in enumerate(section.figures):
        file = f"plot-{number}-{index}.svg"
        (folder / file).write_text(figure.svg, encoding="utf-8")
        figures.append({"file": file, "caption": figure.caption})
    shown: list[dict[str, object]] = []
    for index, one in enumerate(section.shown):
        files: list[dict[str, str]] = []
        for place, (label, data) in enumerate(one.pictures.items()):
            file = f"picture-{number}-{index}-{place}.jpg"
            (folder / file).write_bytes(data)
            files.append({"file": file, "label": label})
        facts = list(map(shortened, one.facts))
        shown.append({
            "files": files, "caption": shortened(one.caption), "facts": facts, "recipe": _recipe(one),
        })  # fmt: skip
    text = list(map(shortened, section.text))
    return {
        "title": section.title, "text": text, "figures": figures, "shown": shown,
        "tables": list(map(_table, section.tables)),
    }  # fmt: skip


def _recipe(one: Shown) -> str:
    if len(one.recipe) <= LONGEST_RECIPE:
        return one.recipe
    return f"A command of {len(one.recipe):,} characters, which report --html holds."


def _table(table: Table) -> dict[str, object]:
    cut = len(table.rows) - MOST_ROWS
    note = f"{table.note} {cut:,} more rows are in the HTML." if cut > 0 else table.note
    rows = [[written(cell) for cell in row] for row in table.rows[:MOST_ROWS]]
    numeric = list(_numeric(table))
    return {"columns": table.columns, "rows": rows, "note": note.strip(), "numeric": numeric}


def _numeric(table: Table) -> Iterator[bool]:
    """Which columns hold numbers alone: they are set to the right."""
    for column in range(len(table.columns)):
        yield all(not isinstance(row[column], str) for row in table.rows)
