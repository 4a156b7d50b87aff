"""A Depth Anything in miniature, saved as its publishers save it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_estimator import save_tiny


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("weights") / "depth-anything")


@pytest.fixture
def photo() -> np.ndarray:
    y, x = np.mgrid[0:61, 0:97]
    return np.stack([2 * y, x * 2, (x + y) % 256], axis=-1).astype(np.uint8)
