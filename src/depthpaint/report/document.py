"""What a report says, before it is a page or a PDF: sections of text, numbers, plots and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST_CELL, LONGEST_TEXT = 200, 600
"""Characters of a text in a table, and elsewhere in a report; a longer one is cut, and says so."""

Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under `columns`; a None is a number that is not known. `note` says how to read it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot as SVG, and what it shows."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Pictures side by side, JPEG by its label, with a caption, facts under it and a recipe to copy."""

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
    """A whole report; `summary` stands under its title."""

    title: str
    summary: tuple[str, ...] = ()
    sections: tuple[Section, ...] = field(default=())


def written(cell: Cell) -> str:
    """A cell as people read it: four significant digits, a dash for what is not known, long texts cut."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return shortened(str(cell), LONGEST_CELL)


def shortened(text: str, most: int = LONGEST_TEXT) -> str:
    """`text`, or its first `most` characters and how many there are."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def is_report(proof: bytes) -> bool:
    """Whether a file with this start and end is a report: the page and the PDF say what generated them."""
    page = proof.startswith(b"<!doctype html>") and b'<meta name="generator" content="depthpaint">' in proof
    return page or (proof.startswith(b"%PDF-") and b"depthpaint report" in proof)
