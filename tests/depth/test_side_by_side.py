"""A photo and its depth map in one picture: the map is cut out, or either half is offered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.colour_map import ColourMapName, colours_of
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth
from depthpaint.depth.side_by_side import find_halves
from made_depth import smooth

HEIGHT, WIDTH = 90, 120
DEPTH = np.rint(smooth(HEIGHT, WIDTH) * 220).astype(np.uint8)
Pixels = NDArray[np.uint8]


def photo(height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> Pixels:
    """Smooth blotches of many colours."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def drawn(name: ColourMapName) -> Pixels:
    return colours_of(name)[DEPTH].astype(np.uint8)


def saved(path: Path, picture: NDArray[np.generic]) -> Path:
    Image.fromarray(picture).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "gap", "photo_first", "axis"),
    [("gray", 0, True, 1), ("gray", 50, True, 1), ("Spectral", 50, True, 1), ("inferno", 0, False, 1),
     ("gray", 0, True, 0), ("Spectral", 50, False, 0)],
)  # fmt: skip
def test_the_map_beside_a_photo_is_cut_out(
    tmp_path: Path, name: ColourMapName, gap: int, photo_first: bool, axis: int
) -> None:
    paper = np.full((gap, WIDTH, 3) if axis == 0 else (HEIGHT, gap, 3), 255, np.uint8)
    parts = [photo(), paper, drawn(name)] if photo_first else [drawn(name), paper, photo()]
    path = saved(tmp_path / "both.png", np.concatenate(parts, axis=axis))
    alone = read_depth(saved(tmp_path / "alone.png", drawn(name)))
    depth = read_depth(path)
    assert np.array_equal(depth.values, alone.values)
    assert depth.source.colour_map == name
    start = ((WIDTH, HEIGHT)[axis == 0] + gap) if photo_first else 0
    place = f"{WIDTH}x{HEIGHT} at " + (f"0,{start}" if axis == 0 else f"{start},0")
    frame, near, near_alone = (
        depth.source.finding("frame"),
        depth.source.finding("near"),
        alone.source.finding("near"),
    )
    assert frame is not None and frame.value == place and frame.confidence < 0.9
    assert near == near_alone, "a cut raises no other confidence"
    assert any(place in note for note in depth.source.notes)


def test_in_a_jpeg_the_blurred_seam_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "both.jpg"
    Image.fromarray(np.concatenate([photo(), drawn("gray")], axis=1)).save(path, quality=85)
    depth = read_depth(path)
    assert depth.values.shape == (HEIGHT, WIDTH - 16)
    assert np.corrcoef(depth.values.ravel(), DEPTH[:, 16:].ravel())[0, 1] > 0.999


def gray_pair() -> Pixels:
    return np.concatenate([photo()[..., 1], DEPTH], axis=1)


@pytest.mark.parametrize("in_colours", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_of_two_gray_pictures_the_user_takes_one(tmp_path: Path, axis: int, in_colours: bool) -> None:
    picture = np.concatenate([photo()[..., 1], DEPTH], axis=axis)
    if in_colours:
        picture = np.repeat(picture[..., None], 3, axis=2)
    path = saved(tmp_path / "both.png", picture)
    box = (0, HEIGHT, WIDTH, 2 * HEIGHT) if axis == 0 else (WIDTH, 0, 2 * WIDTH, HEIGHT)
    with pytest.raises(DepthError) as refused:
        read_depth(path)
    assert refused.value.code is ErrorCode.DEPTH_AMBIGUOUS
    flag = "--frame " + ",".join(map(str, box))
    assert flag in refused.value.remedy and "--frame keep" in refused.value.remedy
    depth = read_depth(path, DepthReading(frame=box))
    assert np.array_equal(depth.values, read_depth(saved(tmp_path / "alone.png", DEPTH)).values)
    assert depth.source.reading.frame == box
    assert read_depth(path, DepthReading(frame="keep")).values.shape == picture.shape[:2]


def test_two_maps_of_one_kind_are_a_question_and_two_photos_are_none(tmp_path: Path) -> None:
    maps = np.concatenate([drawn("turbo")[::-1], drawn("turbo")], axis=1)
    with pytest.raises(DepthError, match="two pictures side by side"):
        read_depth(saved(tmp_path / "maps.png", maps))
    photos = np.concatenate([photo(), photo(seed=1)], axis=1)
    with pytest.raises(DepthError, match="a colour picture"):
        read_depth(saved(tmp_path / "photos.png", photos))


def test_a_photo_beside_itself_in_gray_is_no_map(tmp_path: Path) -> None:
    gray = np.repeat(photo().mean(axis=-1).astype(np.uint8)[..., None], 3, axis=2)
    with pytest.raises(DepthError, match="a colour picture"):
        read_depth(saved(tmp_path / "both.png", np.concatenate([gray, photo()], axis=1)))


def test_a_gray_picture_beside_colours_of_an_unknown_map_is_a_question(tmp_path: Path) -> None:
    stops = np.array([(30, 77, 203), (45, 117, 220), (204, 108, 191), (198, 33, 24)], np.float64)
    unknown = np.stack([np.interp(DEPTH / 73.4, range(4), stops[:, k]) for k in range(3)], -1).astype(
        np.uint8
    )
    gray = np.repeat(photo()[..., :1], 3, axis=2)
    with pytest.raises(DepthError, match="two pictures"):
        read_depth(saved(tmp_path / "both.png", np.concatenate([gray, unknown], axis=1)))


def test_one_map_has_no_halves() -> None:
    horizon = np.full((100, 120), 255, np.uint8)
    horizon[50:] = np.linspace(180, 10, 50).astype(np.uint8)[:, None]
    pole = DEPTH.copy()
    pole[:, 55:65] = 255
    wall = DEPTH.copy()
    wall[:50, 60:] = 240
    stripes = np.where(np.arange(120) // 10 % 2, 200, 40).astype(np.uint8)[None].repeat(90, axis=0)
    for picture in (DEPTH, DEPTH[:, :-1], horizon, pole[:, 3:], wall, stripes, photo(), np.zeros_like(DEPTH)):
        assert find_halves(picture) is None
    assert find_halves(gray_pair()) is not None


@pytest.mark.parametrize(
    "box", [(0, 0, 500, 90), (0, 0, 240, 91), (100, 10, 101, 80)], ids=["wide", "high", "thin"]
)
def test_a_box_outside_the_picture_is_an_error(tmp_path: Path, box: tuple[int, int, int, int]) -> None:
    path = saved(tmp_path / "both.png", gray_pair())
    with pytest.raises(DepthError, match="240x90") as refused:
        read_depth(path, DepthReading(frame=box))
    assert refused.value.code is ErrorCode.INVALID_PARAMETER


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "5,0,5,9", "-1,0,5,5", "0,9,5,5", "", "0.5,0,9,9"])
def test_a_frame_that_is_no_box_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(ValueError, match="LEFT,TOP,RIGHT,BOTTOM"):
        DepthReading.model_validate({"frame": text})


def test_numbers_of_16_bits_may_be_cut_by_a_box(tmp_path: Path) -> None:
    numbers = np.concatenate([DEPTH, DEPTH[:, ::-1]], axis=1).astype(np.uint16) * 90 + 300
    path = saved(tmp_path / "both.png", numbers)
    assert read_depth(path).values.shape == (HEIGHT, 2 * WIDTH)
    depth = read_depth(path, DepthReading.model_validate({"frame": f"0,0,{WIDTH},{HEIGHT}", "near": "white"}))
    assert depth.values.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("size", [(60, 80), (240, 320), (480, 640)])
def test_a_smooth_map_whose_middle_rows_are_alike_is_one_map(size: tuple[int, int]) -> None:
    height, width = size
    slope = np.linspace(0, 255, height)[:, None].repeat(width, axis=1).astype(np.uint8)
    for map_ in (slope, slope.T, np.dstack([slope] * 3)):
        assert find_halves(np.ascontiguousarray(map_)) is None
        assert find_halves(np.ascontiguousarray(map_), lossy=True, weak=True) is None
