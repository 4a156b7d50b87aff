"""Every Python block of README, CONTRIBUTING and docs runs, page by page, from top to bottom.

A block that cannot run has a comment `<!-- not run: why -->` in the line above it.
"""

from __future__ import annotations

import re
import shutil
from inspect import cleandoc
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import depthpaint

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^(?:<!-- not run: (?P<why>.+?) -->\n)?```python[^\n]*\n(?P<code>.*?)^```", re.M | re.S)


def blocks_of(page: Path) -> list[re.Match[str]]:
    text = page.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) == text.count("```python")
    return blocks


SERVED = "server.md"
"""Its blocks need a server: server/test_docs.py runs them."""
WITH_PYTHON = [page for page in PAGES if blocks_of(page) and page.name != SERVED]


def test_the_tutorial_is_among_the_pages() -> None:
    assert {"README.md", "python.md"} <= {page.name for page in WITH_PYTHON}


@pytest.mark.full
@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_the_python_blocks_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    for block in blocks_of(page):
        if block["why"] is None:
            line = page.read_text(encoding="utf-8")[: block.start("code")].count("\n")
            # Errors name the page and its line.
            exec(compile("\n" * line + block["code"], page, "exec"), names)


def examples_in_docstrings() -> list[str]:
    """The indented code at the end of docstrings, without what only a reader has."""
    found: list[str] = []
    for name in ("paint", "read_depth", "inspect", "verify", "Result"):
        text = cleandoc(getattr(depthpaint, name).__doc__)
        found += re.findall(r"(?:^ {4}.*\S.*\n)+", text + "\n", flags=re.M)
    return [dedent(example) for example in found]


def test_the_examples_in_docstrings_are_python_and_use_public_names() -> None:
    examples = examples_in_docstrings()
    assert len(examples) == 5
    for example in examples:
        compile(example, "docstring", "exec")
        used = re.findall(r"\bdepthpaint\.(\w+)", example)
        assert set(used) <= set(depthpaint.__all__)
