from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from batching import Paint, paint_all


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a.npy and b.npy: ramps of 32 x 48, down and to the right."""
    monkeypatch.chdir(tmp_path)
    ramp = np.linspace(0, 1, 32 * 48, dtype=np.float32).reshape(32, 48)
    np.save("a.npy", ramp)
    np.save("b.npy", ramp**2)
    return tmp_path


@pytest.fixture
def paint(maps: Path) -> Paint:
    """Paint a manifest with a fake model, in the working folder."""
    assert maps.exists()
    return paint_all
