"""The rooms and their arrows are held by import-linter.

What an import costs is measured in a fresh process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "program",
    [
        "import depthpaint",
        "import sys; sys.argv = ['depthpaint', '--help']\nfrom depthpaint.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass",
    ],
    ids=["import", "help"],
)
def test_starting_loads_no_heavy_library(program: str) -> None:
    heavy = "{'torch', 'onnxruntime', 'diffusers', 'transformers'} & set(sys.modules)"
    code = f"{program}\nimport sys; sys.stderr.write(','.join({heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_painting_loads_no_torch() -> None:
    code = (
        "import depthpaint.engine, depthpaint.models.diorama.painter, sys\n"
        "sys.stdout.write(str('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False"
