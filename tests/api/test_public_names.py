"""What `import depthpaint` offers, and what it loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType

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


def test_a_package_of_the_same_name_does_not_hide_a_function() -> None:
    code = "import depthpaint.verify.agreement, depthpaint; print(type(depthpaint.verify).__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "function"
    import_module("depthpaint.verify.choosing")
    assert isinstance(depthpaint.verify, FunctionType)
