"""The pages of docs/reference, and paint_settings.py, are what the code gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from depthpaint.core.errors import STATUSES, ErrorCode
from reference_pages import errors
from reference_pages.generated import GENERATED
from reference_pages.layout import WIDTH, item, plain

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_a_generated_file_is_what_the_code_gives(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == GENERATED[path](), "make docs writes it"


def test_every_error_code_is_explained_once() -> None:
    assert errors.MEANINGS.keys() == set(ErrorCode)
    assert errors.TITLES.keys() == {status for status, _ in STATUSES.values()}
    text = errors.page()
    for code, (status, http) in STATUSES.items():
        section = text.split(f"## Exit status {status}:")[1].split("\n## ")[0]
        assert section.count(f"* `{code}` (HTTP {http}): ") == 1
        assert text.count(f"`{code}`") == 1


PAGES = [page for folder in ("reference", "explanation") for page in (ROOT / "docs" / folder).glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_of_a_page_is_too_long(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if len(line) > WIDTH]


def test_wrapped_text_never_starts_a_list_or_markup() -> None:
    for sign in ("-", "+", "#", "1.", "12)"):
        text = item("x" * 50 + " " + "y" * 46 + f" {sign} rest")
        assert text.splitlines()[1].lstrip().startswith(("\\", "1\\", "12\\"))
    assert plain("<lora:x> a*b `<code>`") == "&lt;lora:x> a\\*b `<code>`"
