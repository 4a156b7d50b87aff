"""The classes of defect that have crashed image libraries: each ends in its code, soon, in little memory."""

from __future__ import annotations

import resource
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from made_defects import Case, cases

from depthpaint.core.errors import DepthpaintError
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth

CASES = cases()
READING = DepthReading(near="white", allow_constant=True)
MOST_KILOBYTES = 300_000


@pytest.mark.parametrize("case", CASES, ids=[name for name, _, _ in CASES])
def test_a_defect_ends_in_its_code(case: Case, tmp_path: Path) -> None:
    name, data, code = case
    # All under one ending: the content decides what a file is.
    path = tmp_path / f"{name}.png"
    path.write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = None
    try:
        depth = read_depth(path, READING)
    except DepthpaintError as error:
        found = error.code
        assert str(error).isprintable()
        assert len(str(error)) < 1000
        assert error.remedy
    else:
        assert np.isfinite(depth.values).all()
    assert found == code
    if sys.platform == "linux":
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_KILOBYTES


def test_the_names_are_all_different() -> None:
    assert max(Counter(name for name, _, _ in CASES).values()) == 1
    assert len(CASES) >= 60
    assert {name.partition("-")[0] for name, _, _ in CASES} >= {
        "png", "jpeg", "webp", "tiff", "exr", "npy", "npz", "pfm", "pgm", "colmap", "heif",
        "gif", "fli", "ico", "eps", "psd",
    }  # fmt: skip
