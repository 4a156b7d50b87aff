"""Markdown with lines of at most WIDTH characters."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
WIDTH = 100
BEGIN, END = "<!-- generated: make docs writes what follows -->", "<!-- end of what is generated -->"
_MARKUP = re.compile(r"(`[^`]*`)|([<*])")
_LIST_SIGN = re.compile(r"^(\d*)([-+#>.)])(?=\s)")


def plain(text: str) -> str:
    """Text with characters escaped that Markdown would interpret; code in backticks stays as it is."""
    return _MARKUP.sub(lambda found: found[1] or {"<": "&lt;"}.get(found[2], f"\\{found[2]}"), text)


def paragraph(text: str, first: str = "", rest: str = "") -> str:
    """Text, wrapped; `first` and `rest` are the starts of its lines."""
    lines = textwrap.wrap(
        " ".join(text.split()), WIDTH - len(rest) - 1, break_long_words=False, break_on_hyphens=False
    )
    # A line that starts like an item of a list would be one.
    safe = [lines[0], *(_LIST_SIGN.sub(r"\1\\\2", line) for line in lines[1:])] if lines else [""]
    return "\n".join([first + safe[0], *(rest + line for line in safe[1:])])


def item(text: str) -> str:
    """An item of a list, wrapped."""
    return paragraph(text, "* ", "  ")


def items(texts: Iterable[str]) -> str:
    """A list."""
    return "\n".join(map(item, texts))


def code(text: str, language: str = "bash") -> str:
    """A block of code."""
    return f"```{language}\n{text}\n```"


def page_of(title: str, *parts: str) -> str:
    """A page that is generated as a whole."""
    return "\n\n".join([f"# {title}", *(part for part in parts if part)]) + "\n"


def with_generated(page: Path, part: Callable[[], str]) -> str:
    """The text of a page whose generated part, between BEGIN and END, is replaced."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{part()}\n\n{END}{after}"
