"""Fixtures that several packages use. Depth files are made here: the licence of real ones is unknown."""

from __future__ import annotations

import os
import signal
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from made_depth import Save, bone, jet, npy, smooth
from made_png import png

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


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The eight twins, by name."""
    folder = tmp_path_factory.mktemp("twins")
    files = {
        "bone168.png": (168, 168),
        "bone564.png": (564, 564),
        "bone940x564.png": (564, 940),
        "bone177.png": (177, 177),
    }
    for name, shape in files.items():
        (folder / name).write_bytes(png(bone(smooth(*shape)), 8, 2))
    # Blocks of equal pixels: as large as the real one, and quick to make.
    large = np.kron(bone(smooth(667, 667)), np.ones((4, 4, 1), dtype=np.uint8))
    Image.fromarray(large).save(folder / "bone2668.png", compress_level=1)
    (folder / "jet512.png").write_bytes(png(jet(smooth(512, 512)), 8, 2))
    grain = np.random.default_rng(0).uniform(0, 1e-3, (512, 512))
    fine = smooth(512, 512) * 0.999 + grain
    fine = (fine - fine.min()) / (fine.max() - fine.min())
    (folder / "float512.npy").write_bytes(npy((fine * 38.8 - 1.4).astype(np.float32)))
    (folder / "uint338.npy").write_bytes(npy(np.rint(smooth(338, 338) * 255).astype(np.uint8)))
    return {path.name: path for path in folder.iterdir()}
