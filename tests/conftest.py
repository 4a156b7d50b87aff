"""What tests of several rooms need."""

from __future__ import annotations

import os
import signal
from importlib import import_module
from pathlib import Path

import pytest

# Before any test imports onnxruntime: the package switches its telemetry off.
import_module("depthpaint")


def pytest_configure() -> None:
    """Hear Ctrl-C: started with & by a shell, or by nohup, tests of it would inherit that nobody hears it.

    The config file of whoever runs the tests is not read.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["DEPTHPAINT_CONFIG"] = ""


@pytest.fixture(scope="session")
def tiny_depth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an estimator like diorama-depth (tiny_depth.py). Only tests that ask for it load torch."""
    from tiny_depth import save_tiny_depth

    return save_tiny_depth(tmp_path_factory.mktemp("tiny-depth"))
