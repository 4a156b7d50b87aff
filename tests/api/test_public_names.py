"""What `import depthpaint` offers, and what it loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import depthpaint

SOURCE = Path(depthpaint.__file__ or "").read_text(encoding="utf-8")


def test_importing_loads_no_library() -> None:
    code = (
        "import sys, depthpaint; dir(depthpaint)\n"
        "print(sorted({'numpy', 'pydantic', 'PIL', 'onnxruntime', 'torch', 'typer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", depthpaint.__all__)
def test_a_public_name_is_there_explained_and_known_to_type_checkers(name: str) -> None:
    value = getattr(depthpaint, name)
    assert value.__doc__
    assert name in dir(depthpaint)
    guarded = next(node for node in ast.parse(SOURCE).body if isinstance(node, ast.If))
    imported = {
        alias.name: node.module
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported.keys() == set(depthpaint.__all__)
    assert getattr(import_module(str(imported[name])), name) is value


def test_other_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'pain'"):
        depthpaint.pain  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnusedExpression, reportUnknownMemberType]


def test_no_module_has_a_public_name() -> None:
    """Importing it would put the module in the place of what is public."""
    modules = {path.stem for path in Path(depthpaint.__path__[0]).iterdir()}
    assert "engine" in modules
    assert not modules & set(depthpaint.__all__)
