"""The README's tree is the disk's, and the commands that it shows exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tree_names_every_room() -> None:
    package = ROOT / "src" / "depthpaint"
    rooms = {path.name for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"}
    rooms |= {path.name for path in package.glob("*.py")} - {"__init__.py", "__main__.py"}
    tree = README.split("src/depthpaint/\n")[1].split("```")[0]
    named = {name.rstrip("/") for name in re.findall(r"^  (\S+)  ", tree, flags=re.MULTILINE)}
    assert named == rooms


def test_files_that_the_readme_links_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_make_targets_that_the_readme_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
