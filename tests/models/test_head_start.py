"""The built-in model begins to load while a command is still importing."""

from __future__ import annotations

import subprocess
import sys

from depthpaint.models.diorama.family import start_loading
from depthpaint.models.diorama.files import open_files
from depthpaint.models.painter import Runtime

LOAD = """
import sys
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.models.diorama.painter import Diorama

before = set(sys.modules)
Diorama(DIORAMA)
print(sorted(set(sys.modules) - before))
"""


def test_only_the_built_in_model_begins_early() -> None:
    assert start_loading("sd15", Runtime()) is None
    assert start_loading("a/folder", Runtime()) is None


def test_what_begins_is_the_shipped_painter() -> None:
    loading = start_loading("diorama", Runtime(threads=1))
    assert loading is not None
    assert loading.result().weights_sha256 == open_files().weights_sha256


def test_the_thread_that_loads_imports_nothing() -> None:
    """Two threads that import parts of one package at once can find it half made."""
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
