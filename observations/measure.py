"""How the source is built, in numbers: `make measure` prints them for a folder of modules.

    python -m observations.measure src/depthpaint [OLDER/src/depthpaint ...]

The last rows are traced while pictures are painted (observations.trace). A line of code is one that holds
neither only a comment, nor a docstring, nor nothing.
"""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import tokenize
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

LONGEST_FUNCTION, MOST_PARAMETERS = 60, 12
SETTING = "guidance_window"
"""A setting whose places are counted: modules outside its own that must name it to carry it on."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def measure(package: Path) -> dict[str, object]:
    """The numbers of a package's source."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(package.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in texts.items()}
    lengths = [len(text.splitlines()) for text in texts.values()]
    functions = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, Function)]
    long = [node for node in functions if _length(node) > LONGEST_FUNCTION]
    wide = [_parameters(node) for node in functions]
    imports = _imports(package, trees)
    importers = Counter(name for names in imports.values() for name in names)
    return {
        "files": len(texts),
        "lines": sum(lengths),
        "code lines": sum(_code_lines(text, trees[path]) for path, text in texts.items()),
        "median lines of a file": median(lengths),
        "longest file": max(lengths),
        "functions": len(functions),
        f"functions over {LONGEST_FUNCTION} lines": len(long),
        "most parameters": max(wide),
        f"functions of more than {MOST_PARAMETERS} parameters": sum(n > MOST_PARAMETERS for n in wide),
        "imports inside functions": sum(_inner_imports(tree) for tree in trees.values()),
        "modules that one other imports": sum(count == 1 for count in importers.values()),
        "circles of imports": "none" if _is_ordered(imports, package.name) else "some",
        "fmt: skip": sum(text.count("# fmt: skip") for text in texts.values()),
        f"modules that name {SETTING}": sum(SETTING in text for text in texts.values()),
    }


def _length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _parameters(node: Function) -> int:
    given = node.args
    return len([*given.posonlyargs, *given.args, *given.kwonlyargs]) + bool(given.vararg) + bool(given.kwarg)


def _code_lines(text: str, tree: ast.Module) -> int:
    """Lines with code: no blanks, comments or docstrings."""
    lines: set[int] = set()
    plain = (
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.COMMENT,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in plain:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def _inner_imports(tree: ast.Module) -> int:
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, Function)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    return len(inner)


def _imports(package: Path, trees: dict[Path, ast.Module]) -> dict[str, set[str]]:
    """Which modules of the package each of them imports: anywhere, also by a name in a text."""
    names = {
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in trees
    }
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        imported: set[str] = set()
        for node in ast.walk(trees[path]):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                imported.add(node.value)
        found[name] = (imported & names.keys()) - {name}
    return found


def _is_ordered(imports: dict[str, set[str]], root: str) -> bool:
    # The package's own file offers the public names, and loads them when they are used.
    graph = {name: others - {root} for name, others in imports.items() if name != root}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return False
    return True


def traced(package: Path) -> dict[str, object]:
    """What happens while the package paints, each in a process of its own."""
    depth = Path(__file__).parents[1] / "examples" / "house-in-the-forest.png"
    rows: dict[str, object] = {}
    for what in ("paint", "best-of"):
        program = [sys.executable, "-m", "observations.trace", what, str(depth)]
        environment = {**os.environ, "PYTHONPATH": str(package.parent.resolve())}
        run = subprocess.run(program, check=True, capture_output=True, text=True, env=environment)
        rows |= json.loads(run.stdout)
    return rows


def main() -> None:
    """Print a column for each folder."""
    folders = [Path(each) for each in sys.argv[1:]] or [Path("src/depthpaint")]
    columns = [
        measure(folder) | (traced(folder) if folder.name == "depthpaint" else {}) for folder in folders
    ]
    for name in columns[0]:
        values = "".join(f"{column.get(name, '-')!s:>12}" for column in columns)
        sys.stdout.write(f"{name:<44}{values}\n")


if __name__ == "__main__":
    main()
