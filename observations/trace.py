"""What happens inside while a picture is painted, in numbers: files entered, and reads of the depth file.

    PYTHONPATH=src python -m observations.trace paint|best-of DEPTH.png

`paint` counts what `Engine.paint` enters; `best-of` how often `generate --best-of 4` reads the depth file.
Older versions of the package are traced too, by naming their `src` in PYTHONPATH. One JSON line is printed.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any


def paint(depth: Path) -> dict[str, int]:
    """Paint once to load everything, then count the package's files that a second picture enters."""
    engine: Any = import_module("depthpaint.engine").Engine()
    try:
        wanted: Any = import_module("depthpaint.request").Request
    except ImportError:  # before settings were written once
        wanted = import_module("depthpaint.inputs.request").GenerationRequest
    given = {"depth": depth, "prompt": "a house", "size": "192x192", "near": "white"}
    engine.paint(wanted.model_validate({**given, "seed": 1}))
    package = str(Path(import_module("depthpaint").__file__ or "").parent)
    path: list[str] = []

    def note(frame: Any, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(package) and (not path or path[-1] != file):
            path.append(file)

    second = wanted.model_validate({**given, "seed": 2})
    sys.setprofile(note)
    engine.paint(second)
    sys.setprofile(None)
    return {"files entered by a picture": len(set(path)), "times that another file was entered": len(path)}


def best_of(depth: Path) -> dict[str, int]:
    """How often the depth file is opened in `generate --best-of 4`."""
    reads = 0

    def note(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal reads
        if event == "open" and str(arguments[0]) == str(depth):
            reads += 1

    run: Any = import_module("depthpaint.cli.main").run
    with tempfile.TemporaryDirectory() as folder:
        sys.addaudithook(note)
        given = ["generate", str(depth), "a house", "--size", "192x192", "--best-of", "4", "--near", "white"]
        # What it prints on stdout is the path of the picture.
        with contextlib.redirect_stdout(io.StringIO()):
            status = run([*given, "-q", "--out", folder])
    if status:
        raise SystemExit(f"generate ended with {status}")
    return {"reads of the depth file in --best-of 4": reads}


if __name__ == "__main__":
    _, _what, _depth = sys.argv
    sys.stdout.write(json.dumps({"paint": paint, "best-of": best_of}[_what](Path(_depth))) + "\n")
