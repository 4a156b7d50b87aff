"""Write the texts, plots and the PDF from `data/` alone: no number in them was typed.

python observations/write.py
"""

from __future__ import annotations

import json
from textwrap import fill
from typing import Any

from depthpaint.report.document import Document, Shown, Table, as_pdf, written
from observations.aspect import aspect_document
from observations.latency import latency_document
from observations.observe import DATA, HERE, twins
from observations.summary import summary_document

WIDTH = 100


def loaded(name: str) -> dict[str, Any]:
    """What was measured."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def documents() -> dict[str, Document]:
    """The two observations, by the name of their file."""
    renders = {row["twin"]: row["render"]["depth_agreement"] for row in loaded("sheet")["rows"]}
    names = {twin["depth"]: twin["prompt"] for twin in twins()}
    return {
        "aspect": aspect_document(loaded("aspect"), names, renders),
        "latency": latency_document(loaded("latency")),
    }


def as_markdown(document: Document, plots: str) -> str:
    """The document as a page; its plots are `plots`-0.svg and so on."""
    lines = [f"# {document.title}", "", *(_filled(line, "* ") for line in document.summary), ""]
    number = 0
    for section in document.sections:
        lines += [f"## {section.title}", ""]
        for text in section.text:
            lines += [_filled(text), ""]
        for figure in section.figures:
            lines += [f"![{figure.caption}](plots/{plots}-{number}.svg)", ""]
            number += 1
        for table in section.tables:
            lines += [*_rows(table), ""]
    return "\n".join(lines).rstrip() + "\n"


def _rows(table: Table) -> list[str]:
    cells = [table.columns, ("---",) * len(table.columns), *table.rows]
    lines = ["| " + " | ".join(written(cell) for cell in row) + " |" for row in cells]
    return [*lines, *(["", _filled(table.note)] if table.note else [])]


def _filled(text: str, bullet: str = "") -> str:
    """The text in lines of at most WIDTH characters."""
    return fill(bullet + text, WIDTH, subsequent_indent=" " * len(bullet), break_on_hyphens=False)


def pictures() -> list[Shown]:
    """The eight maps and what was painted, as the sheet command saved them."""
    return [
        Shown(
            {path.stem.split("-", 1)[1]: path.read_bytes() for path in sorted(folder.glob("*.jpg"))},
            f"{twin['depth']}: {twin['prompt']}",
        )
        for twin in twins()
        if (folder := DATA / "pictures" / twin["depth"]).is_dir()
    ]


def write() -> None:
    """Write everything."""
    (HERE / "plots").mkdir(exist_ok=True)
    made = documents()
    for name, document in made.items():
        (HERE / f"{name}.md").write_text(as_markdown(document, name), encoding="utf-8")
        figures = [figure for section in document.sections for figure in section.figures]
        for number, figure in enumerate(figures):
            (HERE / "plots" / f"{name}-{number}.svg").write_text(figure.svg, encoding="utf-8")
    (HERE / "depthpaint.pdf").write_bytes(as_pdf(summary_document(made, loaded("diorama"), pictures())))


if __name__ == "__main__":
    write()
