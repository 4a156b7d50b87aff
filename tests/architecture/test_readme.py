"""CONTRIBUTING shows the source as it is, and the make targets that README and CONTRIBUTING name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_layout_names_every_folder_and_module() -> None:
    package = ROOT / "src" / "depthpaint"
    there = {path.name for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"}
    there |= {path.name for path in package.glob("*.py")} - {"__init__.py", "__main__.py"}
    tree = text_of("CONTRIBUTING.md").split("src/depthpaint/\n")[1].split("```")[0]
    named = {name.rstrip("/") for name in re.findall(r"^  (\S+)  ", tree, flags=re.MULTILINE)}
    assert named == there


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"`make ([\w-]+)`|^make ([\w-]+)", text_of(name), flags=re.MULTILINE))
    assert targets
    for target in {first or second for first, second in targets}:
        assert re.search(rf"^{target}:", text_of("Makefile"), flags=re.MULTILINE), target


def test_the_files_that_contributing_names_exist() -> None:
    table = text_of("CONTRIBUTING.md").split("## Where a change goes")[1].split("## Rules")[0]
    for name in re.findall(r"`((?:\w+/)+[\w.]*|\w+\.py)`", table):
        assert any((root / name).exists() for root in (ROOT, ROOT / "src" / "depthpaint")), name
