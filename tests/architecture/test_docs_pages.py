"""Markdown pages have short lines, and their relative links lead to files and headings that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WIDTH = 100
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")] + DOCS
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)


def names(pages: list[Path]) -> list[str]:
    return [page.relative_to(ROOT).as_posix() for page in pages]


def prose(text: str) -> str:
    """The text without code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(page: Path) -> set[str]:
    """The ids that mkdocs and GitHub make of a page's headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", names(PAGES))
def test_no_line_is_too_long(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > WIDTH] == []


@pytest.mark.parametrize("name", names(PAGES))
def test_relative_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for groups in LINK.findall(prose(page.read_text(encoding="utf-8"))):
        target, _, anchor = (groups[0] or groups[1]).partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


@pytest.mark.parametrize("name", names(DOCS))
def test_links_on_the_site_stay_in_it(name: str) -> None:
    """A page of the site cannot link files outside docs/."""
    page = ROOT / name
    for groups in LINK.findall(prose(page.read_text(encoding="utf-8"))):
        target = (groups[0] or groups[1]).partition("#")[0]
        if target and "://" not in target:
            assert (page.parent / target).resolve().is_relative_to(ROOT / "docs"), target


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1]
    listed = set(re.findall(r": ([\w/-]+\.md)$", navigation, flags=re.MULTILINE))
    assert {page.relative_to(ROOT / "docs").as_posix() for page in DOCS} <= listed
