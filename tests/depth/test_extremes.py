"""Numbers at the ends of their types: no warning of numpy (here an error), and depth that is finite."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.cli.diagnosis import Diagnosis, in_full
from depthpaint.core.errors import DepthpaintError
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.export import preview_png
from depthpaint.depth.read import read_depth
from made_depth import smooth

NAN, INF = np.nan, np.inf
SINGLE, DOUBLE = (float(np.finfo(kind).max) for kind in (np.float32, np.float64))
SPECIAL = (
    NAN, INF, -INF, 0.0, -0.0, -1.0, 65504.0, 1e10, 1e30, 1e-40, 1e-310, 5e-324, SINGLE,
    -SINGLE, DOUBLE, -DOUBLE,
)  # fmt: skip
SCALES = (1e-310, 1e-300, 1e-40, 1.0, 1e4, 1e38, 1e300, DOUBLE)
READINGS = (
    DepthReading(),
    DepthReading(near="black", kind="distance", unit=1e9),
    DepthReading(near="white", deband=True),
    DepthReading(near="black", empty=(1e300, -1.0), range=(-1e300, 1e300)),
    DepthReading(holes="far", range="full"),
)


def arrays(kind: Any) -> list[NDArray[Any]]:
    """Maps of one type at many scales, with special numbers in a block, a row and some pixels."""
    made: list[NDArray[Any]] = []
    floor = smooth(40, 56)
    shapes = (floor, 1 / (0.1 + floor), np.round(floor * 3), np.exp(60 * (floor - 0.5)))
    with np.errstate(all="ignore"):
        for number, (scale, first) in enumerate(product(SCALES, SPECIAL)):
            values = shapes[number % len(shapes)] * scale
            values[5:12] = first
            values[20, 20:24] = SPECIAL[number % 7]
            values[30:, 5:9] = SPECIAL[number % 11]
            if np.dtype(kind).kind in "iu":
                ends = np.iinfo(kind)
                values = np.clip(np.nan_to_num(values), float(ends.min), float(ends.max))
            made.append(values.astype(kind))
    return made


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4", "u2", "i2", "i4", "u8", "i8"])
def test_no_number_makes_numpy_warn(kind: str) -> None:
    understood = 0
    for number, array in enumerate(arrays(kind)):
        try:
            depth = read_depth(array, READINGS[number % len(READINGS)])
        except DepthpaintError:
            continue
        understood += 1
        assert np.isfinite(depth.values).all()
        assert (depth.values.min(), depth.values.max()) >= (0, 0)
        assert depth.values.max() <= 1
        preview_png(depth)
        found = Diagnosis(Path("x"), depth.source, None, None)
        in_full([found])
        json.dumps(found.row(), allow_nan=False)
    assert understood > 20


def test_stderr_of_inspect_carries_no_warning(tmp_path: Path) -> None:
    for number, array in enumerate(arrays("f8")[::4] + arrays("f2")[::4]):
        np.save(tmp_path / f"{number}.npy", array)
    command = [sys.executable, "-W", "always", "-m", "depthpaint", "inspect", *map(str, tmp_path.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode in (0, 3), done.stderr) == (True, "")


@pytest.mark.parametrize(("shape", "place"), [((33, 54), (16, 4)), ((40, 33), (7, 16))])
def test_a_lone_measurement_that_a_small_copy_misses(shape: tuple[int, int], place: tuple[int, int]) -> None:
    numbers = np.zeros(shape, np.int16)
    numbers[place] = 700
    reading = DepthReading(near="black", empty=(0.0,), allow_constant=True, kind="distance")
    assert read_depth(numbers, reading).valid.sum() == 1
