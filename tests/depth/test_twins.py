"""The eight kinds of file that people really send: synthetic twins, and the real ones where at hand."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthpaint.depth.read import read_depth, require_certain
from made_depth import REAL, smooth

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
    assert depth.source.near == "white"
    assert depth.values.shape == expected.shape
    assert np.abs(depth.values - expected).max() < CLOSE


def test_a_large_bone_map_is_quick(twins: dict[str, Path]) -> None:
    started = time.process_time()
    depth = read_depth(twins["bone2668.png"])
    assert time.process_time() - started < 30  # of the processor: another program's load does not count
    assert depth.values.shape == (2668, 2668)
    assert np.abs(depth.values[::4, ::4] - smooth(667, 667)).max() < CLOSE


def test_a_noisy_rainbow_is_read_along_the_map(twins: dict[str, Path]) -> None:
    depth = read_depth(twins["jet512.png"])
    expected = smooth(512, 512)
    assert depth.source.colour_map == "jet"
    assert np.sqrt(np.mean((depth.values - expected) ** 2)) < 6 / 255  # the noise alone is 6 levels
    luminance_error = 64 / 255  # what is made of such a file without its map
    assert np.corrcoef(depth.values.ravel(), expected.ravel())[0, 1] > 0.999
    assert np.abs(depth.values - expected).mean() < luminance_error / 10


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
def test_the_real_rainbow_is_turbo_with_red_and_blue_exchanged() -> None:
    """Dark maroon, orange, green, dark blue: the shelf's front edges first, the wall last."""
    depth = read_depth(REAL / "5.png")
    assert (depth.source.colour_map, depth.source.near, depth.source.levels) == ("turbo", "black", 217)
    picture = np.asarray(Image.open(REAL / "5.png").convert("RGB")).astype(int)
    order = [
        int(np.abs(picture - np.array(colour)).sum(axis=-1).argmin())
        for colour in ((59, 18, 48), (227, 107, 70), (53, 240, 160), (3, 4, 122))
    ]
    nearness = depth.values.ravel()[order]
    assert (np.diff(nearness) < 0).all()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not published")
@pytest.mark.parametrize("name", [name for name, *_ in REAL_FILES] + ["5.png"])
def test_a_real_file_is_understood_without_any_flag(name: str) -> None:
    require_certain(read_depth(REAL / name).source)
