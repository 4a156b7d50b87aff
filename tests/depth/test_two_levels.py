"""Maps of two levels are named for what they are; what has depth between or below them is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth
from depthpaint.formats.exr_lines import write_exr_depth
from made_depth import corridor, smooth

SIZE = (120, 160)
ROOM = corridor(*SIZE)
SKY = np.zeros(SIZE, np.bool_)
SKY[:30, 40:] = True


def normalised(sky: float = 1e10) -> NDArray[np.float64]:
    """As Blender's Normalize node: all from 0 to 1."""
    depth = np.where(SKY, sky, ROOM)
    return (depth - depth.min()) / (depth.max() - depth.min())


def saved(path: Path, numbers: NDArray[Any]) -> Path:
    if path.suffix == ".npy":
        np.save(path, numbers)
    elif path.suffix == ".exr":
        path.write_bytes(write_exr_depth(numbers.astype(np.float32)))
    else:
        Image.fromarray(numbers).save(path)
    return path


def eight(numbers: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(numbers * 255).astype(np.uint8)


def smoothed() -> NDArray[np.uint8]:
    large = Image.fromarray(eight(normalised())).resize((640, 480), Image.Resampling.BICUBIC)
    return np.asarray(large.resize((SIZE[1], SIZE[0]), Image.Resampling.BOX))


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("8.png", eight(normalised())),
        ("8.jpg", eight(normalised())),
        ("colours.png", np.repeat(eight(normalised())[..., None], 3, axis=2)),
        ("16.png", np.rint(normalised() * 65_535).astype(np.uint16)),
        ("smoothed.png", smoothed()),
        ("inverted.png", eight(1 - normalised())),
        ("half.npy", normalised().astype(np.float16)),
        ("inverted.npy", (1 - normalised()).astype(np.float32)),
        ("inverted.exr", 1 - normalised()),
    ],
)
def test_depth_normalised_with_the_sky_is_named(tmp_path: Path, name: str, numbers: NDArray[Any]) -> None:
    path = saved(tmp_path / name, numbers)
    with pytest.raises(DepthError, match="two levels") as refused:
        read_depth(path)
    assert refused.value.code is ErrorCode.DEPTH_CONSTANT
    assert "Map Range" in refused.value.remedy and "OpenEXR" in refused.value.remedy
    depth = read_depth(path, DepthReading(near="black"))
    assert any("two levels" in note for note in depth.source.notes)
    far = SKY if "inverted" not in name else ~SKY
    assert depth.values[far].mean() < 0.1 < 0.9 < depth.values[~far].mean()


@pytest.mark.parametrize("name", ["sky.npy", "sky.exr"])
def test_floats_keep_the_depth_below_the_sky(tmp_path: Path, name: str) -> None:
    depth = read_depth(saved(tmp_path / name, normalised().astype(np.float32)), DepthReading(near="black"))
    assert depth.values[SKY].max() == 0
    known = ~SKY
    order = np.corrcoef(np.argsort(np.argsort(-ROOM[known])), np.argsort(np.argsort(depth.values[known])))
    assert order[0, 1] > 0.9


def test_16_bits_keep_the_depth_below_a_nearer_sky(tmp_path: Path) -> None:
    numbers = np.rint(normalised(sky=1000.0) * 65_535).astype(np.uint16)
    depth = read_depth(saved(tmp_path / "sky.png", numbers), DepthReading(near="black"))
    assert depth.values[SKY].max() == 0
    assert depth.source.levels > 100


def standing() -> NDArray[np.uint8]:
    """A small thing with depth of its own on a background."""
    picture = np.zeros(SIZE, np.uint8)
    picture[50:80, 60:90] = np.rint(smooth(30, 30) * 100 + 155).astype(np.uint8)
    return picture


@pytest.mark.parametrize(
    "numbers",
    [standing(), eight(smooth(*SIZE)), np.where(SKY, 3000, 1000).astype(np.uint16),
     np.where(SKY, 3.0, 1.5).astype(np.float32)],
    ids=["a thing on a background", "a map", "two lengths in millimetres", "two lengths in metres"],
)  # fmt: skip
def test_other_maps_are_none_of_two_levels(tmp_path: Path, numbers: NDArray[Any]) -> None:
    path = saved(tmp_path / ("map.npy" if numbers.dtype.kind == "f" else "map.png"), numbers)
    depth = read_depth(path)
    assert not any("two levels" in note for note in depth.source.notes)


def test_two_levels_are_taken_where_a_flat_map_would_be(tmp_path: Path) -> None:
    path = saved(tmp_path / "map.png", eight(normalised()))
    assert read_depth(path, DepthReading(allow_constant=True)).source.levels == 2
