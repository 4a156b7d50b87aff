"""The colours of RealSense's viewer, and black on colour maps without black: nothing was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError
from depthpaint.depth.colour_map import ColourMapName, colours_of, read_colours
from depthpaint.depth.read import read_depth, require_certain
from made_depth import corridor, smooth

STOPS = np.array([(0, 0, 255), (0, 255, 255), (255, 255, 0), (255, 0, 0), (50, 0, 0)], np.float64)


def viewed(distance: NDArray[np.float64], lost: NDArray[np.bool_], *, even: bool = True) -> NDArray[np.uint8]:
    """As the viewer paints distances, evenly over the pixels or linearly; black where they are lost."""
    known = np.sort(distance[~lost])
    place = np.searchsorted(known, distance, side="right") / len(known) if even else distance / known[-1]
    picture = np.stack([np.interp(place * 4, range(5), STOPS[:, k]) for k in range(3)], axis=-1)
    picture[lost] = 0
    return picture.astype(np.uint8)


def patches(shape: tuple[int, ...], count: int = 12) -> NDArray[np.bool_]:
    """Some squares."""
    lost = np.zeros(shape, np.bool_)
    for top, left in np.random.default_rng(0).integers(0, min(shape) - 12, (count, 2)):
        lost[top : top + 12, left : left + 12] = True
    return lost


@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_the_viewers_colours_are_read_and_black_is_unknown(tmp_path: Path, ending: str, even: bool) -> None:
    distance = corridor(240, 320)
    lost = patches(distance.shape)
    path = tmp_path / f"map.{ending}"
    Image.fromarray(viewed(distance, lost, even=even)).save(path)
    depth = read_depth(path)
    require_certain(depth.source)
    assert (depth.source.colour_map, depth.source.near) == ("realsense", "black")
    assert any("ranks" in note for note in depth.source.notes)
    assert any("black" in note and "nothing was measured" in note for note in depth.source.notes)
    # JPEG mixes the edges of the patches.
    assert (depth.valid == ~lost).mean() > (0.999 if ending == "png" else 0.985)
    order = np.corrcoef(np.argsort(np.argsort(-distance[~lost])), np.argsort(np.argsort(depth.values[~lost])))
    assert order[0, 1] > 0.98


def test_without_black_and_without_dark_red_it_is_jet() -> None:
    """Both maps are the same line between blue and red; jet is much the commoner."""
    ramp = np.linspace(0.15, 0.85, 120)[None].repeat(90, axis=0)
    picture = colours_of("jet")[np.rint(ramp * 255).astype(int)].astype(np.uint8)
    assert read_colours(picture).name == "jet"


@pytest.mark.parametrize(
    "name", ["jet", "turbo", "viridis", "plasma", "Spectral", "coolwarm", "cividis", "hsv"]
)
def test_black_is_unknown_on_every_map_without_black(name: ColourMapName, tmp_path: Path) -> None:
    positions = 0.1 + 0.8 * smooth(90, 120)
    picture = colours_of(name)[np.rint(positions * 255).astype(int)].astype(np.uint8)
    lost = patches(positions.shape)
    picture[lost] = 0
    Image.fromarray(picture).save(tmp_path / "map.png")
    depth = read_depth(tmp_path / "map.png")
    assert depth.source.colour_map == name
    assert np.array_equal(depth.valid, ~lost)


@pytest.mark.parametrize("name", ["gray", "bone", "hot", "inferno", "magma"])
def test_black_is_a_depth_on_maps_with_black(name: ColourMapName) -> None:
    picture = colours_of(name)[np.rint(smooth(90, 120) * 255).astype(int)].astype(np.uint8)
    picture[:30] = 0
    reading = read_colours(picture)
    assert (reading.name, reading.black) == (name, 0)
    assert np.isfinite(reading.values).all()


def test_black_with_a_speck_of_colour_is_no_map(tmp_path: Path) -> None:
    picture = np.zeros((90, 120, 3), np.uint8)
    assert read_colours(picture).black == 0
    picture[40:44, 50:54] = colours_of("jet")[10:250:15].reshape(4, 4, 3).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "map.png")
    with pytest.raises(DepthError):
        require_certain(read_depth(tmp_path / "map.png").source)
