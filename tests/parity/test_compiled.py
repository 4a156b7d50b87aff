"""`--compile` paints the same picture. It needs a C++ compiler and half a minute: `make parity-full`."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_sd import save_control, save_model

from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime
from depthpaint.request import request_from

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with a C++ compiler")
def test_a_compiled_network_paints_the_same_picture(tmp_path: Path) -> None:
    model = save_model(tmp_path / "model", "sd15")
    save_control(tmp_path / "control", model)
    np.save(tmp_path / "depth.npy", np.linspace(0, 1, 128 * 128, dtype=np.float32).reshape(128, 128))
    request = request_from({
        "depth": tmp_path / "depth.npy", "prompt": "a red house", "near": "white", "kind": "disparity",
        "model": str(model), "control": str(tmp_path / "control"), "size": "128x128",
        "num_inference_steps": 3,
    })  # fmt: skip
    plain, compiled = (
        Engine(runtime=Runtime(compile=wanted)).paint(request).pictures[0].pixels for wanted in (False, True)
    )
    assert np.abs(plain.astype(int) - compiled).max() <= 2
    assert np.ptp(plain) > 0
