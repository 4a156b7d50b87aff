"""The eight kinds of file that people really send: synthetic twins, and the real ones where at hand."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from made_depth import REAL, smooth

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.read import read_depth

BONES = {
    "bone168.png": (168, 168),
    "bone564.png": (564, 564),
    "bone940x564.png": (564, 940),
    "bone177.png": (177, 177),
}
# Half a level of the file, and up to one for colours cut, not rounded, to 8 bits. Luminance is 5 levels away.
CLOSE = 1.5 / 255


@pytest.mark.parametrize("name", BONES)
def test_a_bone_twin_is_read_along_the_map(twins: dict[str, Path], name: str) -> None:
    depth = read_depth(twins[name])
    expected = smooth(*BONES[name])
    assert depth.source.colour_map == "bone"
    assert any("bone" in note for note in depth.source.notes)
    assert depth.source.colour_map_confidence > 0.7
    assert depth.values.shape == expected.shape
    assert np.abs(depth.values - expected).max() < CLOSE


def test_a_large_bone_map_is_quick(twins: dict[str, Path]) -> None:
    started = time.perf_counter()
    depth = read_depth(twins["bone2668.png"])
    assert time.perf_counter() - started < 3
    assert depth.values.shape == (2668, 2668)
    assert np.abs(depth.values[::4, ::4] - smooth(667, 667)).max() < CLOSE


def test_a_noisy_rainbow_is_refused(twins: dict[str, Path]) -> None:
    with pytest.raises(DepthError, match="colour map") as refused:
        read_depth(twins["jet512.png"])
    assert refused.value.code is ErrorCode.DEPTH_BAD_SHAPE
    assert "bone" in refused.value.remedy


def test_floats_with_negatives(twins: dict[str, Path]) -> None:
    depth = read_depth(twins["float512.npy"])
    assert depth.source.raw_range == pytest.approx((-1.4, 37.4), abs=1e-5)
    assert depth.source.levels > 200_000
    assert np.abs(depth.values - smooth(512, 512)).max() < 2e-3  # the twin's grain


def test_bytes(twins: dict[str, Path]) -> None:
    depth = read_depth(twins["uint338.npy"])
    assert depth.source.bits_used == 8
    assert np.abs(depth.values - smooth(338, 338)).max() <= 0.5 / 255 + 1e-6


REAL_FILES = [
    ("1.png", "168x168", "bone", 256),
    ("2.png", "564x564", "bone", 256),
    ("2_nocrop.png", "940x564", "bone", 256),
    ("3.png", "177x177", "bone", 255),
    ("4.png", "2668x2668", "bone", 256),
    ("6.npy", "512x512", "gray", 253_498),
    ("7.npy", "338x338", "gray", 253),
]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not published")
@pytest.mark.parametrize(("name", "size", "colour_map", "levels"), REAL_FILES)
def test_a_real_file(name: str, size: str, colour_map: str, levels: int) -> None:
    depth = read_depth(REAL / name)
    source = depth.source
    assert (str(source.size), source.colour_map, source.levels) == (size, colour_map, levels)
    assert depth.values.min() == 0
    assert depth.values.max() == 1
    rows = depth.values.mean(axis=1)
    assert rows[-len(rows) // 5 :].mean() > rows[: len(rows) // 5].mean()  # the bottom is near


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not published")
def test_the_real_rainbow_is_refused() -> None:
    with pytest.raises(DepthError, match="colour map"):
        read_depth(REAL / "5.png")
