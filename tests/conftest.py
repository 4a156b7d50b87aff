"""What tests of several rooms need."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_depth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an estimator like diorama-depth (tiny_depth.py). Only tests that ask for it load torch."""
    from tiny_depth import save_tiny_depth

    return save_tiny_depth(tmp_path_factory.mktemp("tiny-depth"))
