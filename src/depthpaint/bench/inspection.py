"""What understanding a large depth map costs, beside Pillow, which only decodes it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.bench.clock import Timing
from depthpaint.depth.read import read_depth

WIDTH, HEIGHT = 4000, 3000


def large_map(width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint16]:
    """A noisy floor with hills, uint16 (height, width): 12 megapixels that compress as real scans do."""
    y, x = np.arange(height, dtype=np.float64)[:, None], np.arange(width, dtype=np.float64)
    depth: NDArray[np.float64] = 0.7 * y / height + 0.1 * x / width + 0.1 * np.sin(x / 300) * np.cos(y / 200)
    depth = (depth - depth.min()) / np.ptp(depth) * 65_535
    grain: NDArray[np.float64] = np.random.default_rng(0).normal(0, 20, depth.shape)
    return np.clip(np.rint(depth + grain), 0, 65_535).astype(np.uint16)


def measure_inspection(repeats: int, on_run: Callable[[], None] = lambda: None) -> dict[str, Timing]:
    """Decode by Pillow and understand by the doctor in turns, `repeats` times after one warm-up each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.png"
        Image.fromarray(large_map()).save(path)
        seconds: dict[str, list[float]] = {"pillow": [], "depthpaint": []}
        for turn in range(repeats + 1):
            for side, run in (("pillow", _decode), ("depthpaint", read_depth)):
                started = time.perf_counter()
                run(path)
                if turn > 0:
                    seconds[side].append(time.perf_counter() - started)
                on_run()
    return {side: Timing.of(found) for side, found in seconds.items()}


def _decode(path: Path) -> NDArray[np.uint16]:
    with Image.open(path) as image:
        return np.asarray(image)
