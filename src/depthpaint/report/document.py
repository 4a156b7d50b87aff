"""A report: sections of text, tables, plots and pictures, written as HTML or PDF."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from PIL import Image

from depthpaint.core.errors import ParameterError, not_installed, printable
from depthpaint.report.recipe import in_lines

LONGEST_CELL, LONGEST_TEXT = 200, 600
"""Characters of a text in a table, and elsewhere in a report; longer ones are shortened with a note."""

Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under `columns`; None is an unknown number. `note` explains the table."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot as SVG, with a caption."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Pictures side by side, as JPEG by label, with a caption, facts and a command to copy."""

    pictures: dict[str, bytes]
    caption: str
    facts: tuple[str, ...] = ()
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a report. Everything but the title may be empty."""

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    shown: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report; `summary` follows its title."""

    title: str
    summary: tuple[str, ...] = ()
    sections: tuple[Section, ...] = field(default=())


def written(cell: Cell) -> str:
    """A cell as text: four significant digits, a dash for unknown, long texts shortened."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return shortened(str(cell), LONGEST_CELL)


def shortened(text: str, most: int = LONGEST_TEXT) -> str:
    """`text`, or its first `most` characters and its length."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def is_report(proof: bytes) -> bool:
    """Whether a file with this start and end is a report: HTML and PDF name their generator."""
    page = proof.startswith(b"<!doctype html>") and b'<meta name="generator" content="depthpaint">' in proof
    return page or (proof.startswith(b"%PDF-") and b"depthpaint report" in proof)


def require_writers(*, html: bool, pdf: bool) -> None:
    """Raise ParameterError if a package is missing that writes the page, or the PDF."""
    if html:
        _environment()
    if pdf:
        _typst()


def as_html(document: Document) -> str:
    """The HTML page: escaped text, embedded pictures and plots, and a policy that allows only our scripts.

    Raises ParameterError if jinja2 is missing.
    """
    environment = _environment()
    script = _packaged("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = environment.from_string(_packaged("page.html.j2"))
    return template.render(
        document=document, style=_packaged("page.css"), script=script, script_digest=digest
    )


def _environment() -> Any:
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise not_installed(ParameterError, error, "a page", "report") from error
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_on_one_line,
    )
    environment.filters |= {"written": written, "as_jpeg": _as_jpeg, "as_svg": _as_svg}
    return environment


def _packaged(name: str) -> str:
    return resources.files("depthpaint.report").joinpath(name).read_text(encoding="utf-8")


def _on_one_line(value: object) -> object:
    """Escape texts for display; values marked as safe are our own style and script."""
    return printable(value) if type(value) is str else value


def _as_jpeg(data: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _as_svg(svg: str) -> str:
    # As an image it cannot run scripts, whatever its labels contain.
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


MOST_ROWS = 500
"""Longer tables are cut in the PDF; the HTML page has all rows."""
LONGEST_RECIPE = 2000
RECIPE_WIDTH = 110
"""Characters of the command's font in a line of the PDF."""
PRINTED_SIDE = 320
"""Pixels of the longer side of a picture in the PDF, where four are side by side."""
"""Characters; a longer command is left out of the PDF, and can be copied from the HTML page."""


def as_pdf(document: Document) -> bytes:
    """The PDF's bytes; equal documents give equal bytes on one machine.

    Raises ParameterError if typst is missing.
    """
    typst = _typst()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = resources.files("depthpaint.report").joinpath("page.typ").read_bytes()
        (folder / "page.typ").write_bytes(template)
        sections = [_section(section, number, folder) for number, section in enumerate(document.sections)]
        summary = list(map(shortened, document.summary))
        data = {"title": shortened(document.title), "summary": summary, "sections": sections}
        (folder / "data.json").write_text(json.dumps(_data_on_one_line(data)), encoding="utf-8")
        # A fixed date, so that equal reports are equal files.
        made: Any = typst.compile(str(folder / "page.typ"), root=name, format="pdf", timestamp=0)
    return bytes(made)


def _typst() -> Any:
    try:
        import typst
    except ImportError as error:
        raise not_installed(ParameterError, error, "a PDF", "report") from error
    return typst


def _data_on_one_line(data: Any) -> Any:
    """The data with every text escaped for display."""
    if isinstance(data, str):
        return printable(data)
    if isinstance(data, Mapping):
        return {key: _data_on_one_line(value) for key, value in cast("Mapping[str, Any]", data).items()}
    if isinstance(data, list | tuple):
        return [_data_on_one_line(value) for value in cast("Sequence[Any]", data)]
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
            (folder / file).write_bytes(_printed(data))
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


def _printed(picture: bytes) -> bytes:
    """The JPEG of a picture, smaller if it has more pixels than the PDF needs."""
    with Image.open(BytesIO(picture)) as image:
        if max(image.size) <= PRINTED_SIDE:
            return picture
        image.thumbnail((PRINTED_SIDE, PRINTED_SIDE), Image.Resampling.LANCZOS)
        data = BytesIO()
        image.save(data, "JPEG", quality=80, optimize=True)
        return data.getvalue()


def _recipe(one: Shown) -> list[str]:
    """The command in lines that can be copied and run."""
    if len(one.recipe) <= LONGEST_RECIPE:
        return in_lines(printable(one.recipe), RECIPE_WIDTH) if one.recipe else []
    return [f"A command of {len(one.recipe):,} characters, which is in the HTML report (report --html)."]


def _table(table: Table) -> dict[str, object]:
    cut = len(table.rows) - MOST_ROWS
    note = f"{table.note} {cut:,} more rows are in the HTML." if cut > 0 else table.note
    rows = [[written(cell) for cell in row] for row in table.rows[:MOST_ROWS]]
    numeric = list(_numeric(table))
    return {"columns": table.columns, "rows": rows, "note": note.strip(), "numeric": numeric}


def _numeric(table: Table) -> Iterator[bool]:
    """Which columns contain only numbers: they are right-aligned."""
    for column in range(len(table.columns)):
        yield all(not isinstance(row[column], str) for row in table.rows)
