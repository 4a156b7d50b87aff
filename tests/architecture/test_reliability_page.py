"""docs/explanation/reliability.md names the tests of every fault as they are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "reliability.md").read_text(encoding="utf-8")
NOT_COVERED = {109, 116, 130}
NAMED = re.compile(r"`([\w/]+\.py)(?:::|`:\s+`)(test_\w+)`(\s+\*\(all\)\*)?")
FAULTS = {
    int(number): tests for number, tests in re.findall(r"^\* \*\*(\d+)\*\* .*\n((?:    .*\n)+)", PAGE, re.M)
}
"""The lines below each fault, by its number."""


def is_full(node: ast.FunctionDef, module: ast.Module) -> bool:
    """Whether a test, all its cases, runs in make test-all only."""
    marks = [ast.unparse(decorator) for decorator in node.decorator_list]
    marks += [
        ast.unparse(item)
        for statement in module.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark"
        for item in (statement.value.elts if isinstance(statement.value, ast.List) else [statement.value])
    ]
    return "pytest.mark.full" in marks


def test_every_test_that_the_page_names_exists_and_runs_where_it_says() -> None:
    named = [found for tests in FAULTS.values() for found in NAMED.findall(tests)]
    assert len(named) > 120
    for path, name, slow in named:
        module = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
        found = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
        assert found, f"{path}::{name}"
        assert is_full(found[0], module) is bool(slow), f"{path}::{name}"


def test_every_fault_has_a_test_or_is_named() -> None:
    assert set(FAULTS) == {*range(1, 134)}
    assert {number for number, tests in FAULTS.items() if not NAMED.search(tests)} == NOT_COVERED
    assert all(str(number) in PAGE.split("**Not covered**")[1] for number in NOT_COVERED)
