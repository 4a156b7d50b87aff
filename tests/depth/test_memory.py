"""The largest map that is read by default takes about as much memory as docs/explanation/depth.md says."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from depthpaint.formats.file_kind import PNG_SIGNATURE as SIGNATURE
from depthpaint.formats.samples import MAX_PIXELS
from made_png import chunk, header

HEIGHT, WIDTH = 4096, 8192
MEASURE = """
import resource, sys
from pathlib import Path
from depthpaint.depth.read import read_depth
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read_depth(Path(sys.argv[1]))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def ramp() -> np.ndarray:
    """Distances of a floor before a wall, every one another number."""
    rows, columns = np.linspace(0, 1, HEIGHT)[:, None], np.linspace(0, 1e-4, WIDTH)[None]
    return 10 - 9 * np.clip(2 * rows - 1, 0, 1) + columns + 1e-5 * rows


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
@pytest.mark.parametrize(
    ("kind", "mebibytes"), [("float64", 1000), ("float64 with holes", 1500), ("16-bit RGBA", 1100)]
)
def test_the_largest_map_stays_within_memory(tmp_path: Path, kind: str, mebibytes: int) -> None:
    assert HEIGHT * WIDTH == MAX_PIXELS
    values = ramp()
    if kind == "16-bit RGBA":
        gray = np.rint(65535 / values).astype(np.uint16)
        file = tmp_path / "map.png"
        numbers = np.dstack([gray, gray, gray, np.full_like(gray, 65535)]).astype(">u2").view(np.uint8)
        rows = np.pad(numbers.reshape(HEIGHT, -1), ((0, 0), (1, 0)))  # each row begins with its filter, none
        pixels = chunk(b"IDAT", zlib.compress(rows.tobytes(), 1))
        start = SIGNATURE + header(WIDTH, HEIGHT, bits=16, colour_type=6)
        file.write_bytes(start + pixels + chunk(b"IEND", b""))
    else:
        if kind == "float64 with holes":
            values[::7, ::5] = np.nan
        file = tmp_path / "map.npz"
        np.savez_compressed(file, depth=values)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, file], capture_output=True, text=True, check=True, timeout=300
    )
    assert int(done.stdout) < mebibytes
