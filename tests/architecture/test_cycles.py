"""No module imports itself by way of others: neither at its top nor inside a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


def modules() -> dict[str, Path]:
    """The package's modules by their dotted names."""
    files = {
        path: path.relative_to(SOURCE).with_suffix("").parts for path in (SOURCE / "depthpaint").rglob("*.py")
    }
    return {".".join(part for part in parts if part != "__init__"): path for path, parts in files.items()}


def imported(path: Path, known: set[str]) -> Iterator[str]:
    """What of the package a module imports: in statements anywhere, and by names for import_module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value]
        # A package without code of its own is no link.
        yield from (name for name in names if name in known)


def graph() -> dict[str, set[str]]:
    """Which modules each module imports."""
    named = modules()
    code = {name for name, path in named.items() if path.name != "__init__.py"}
    return {name: set(imported(named[name], code)) - {name} for name in code}


def test_no_module_imports_itself_by_way_of_others() -> None:
    TopologicalSorter(graph()).prepare()


def test_a_circle_inside_a_function_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f():\n    import b\n")
    (tmp_path / "b.py").write_text("from importlib import import_module\nimport_module('a')\n")
    links = {name: set(imported(tmp_path / f"{name}.py", {"a", "b"})) for name in ("a", "b")}
    with pytest.raises(CycleError):
        TopologicalSorter(links).prepare()
