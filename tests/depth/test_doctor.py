"""Near and far, disparity and distance, marks, steps and holes: each concluded, and each overruled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.cues import CUES, SmallCopy, cues, small_copy
from depthpaint.depth.depth_map import LEAST_CONFIDENCE, DepthMap, DepthReading
from depthpaint.depth.holes import inpainted
from depthpaint.depth.meaning import guess_near
from depthpaint.depth.read import read_depth, require_certain
from depthpaint.depth.scale import debanded
from made_depth import Save, ball_alone, npy, smooth


def room(height: int = 120, width: int = 160) -> NDArray[np.float64]:
    """Disparity (1/m) of a floor and a back wall with two boxes on the floor."""
    y = np.linspace(0.5, -0.7, height)[:, None] * np.ones(width)
    floor = np.maximum(-y - 0.05, 0) / 1.5
    depth = np.maximum(floor, 1 / 9)
    depth[60:95, 30:60] = 1 / 3.2
    depth[50:80, 100:125] = 1 / 4.5
    return depth


def read(save: Save, numbers: NDArray[Any], **said: Any) -> DepthMap:
    return read_depth(save("map.npy", npy(numbers)), DepthReading.model_validate(said))


METRES = 1 / room()


def test_both_polarities_are_told_and_give_the_same_depth(save: Save) -> None:
    near_white = read(save, (room() * 255 / room().max()).astype(np.uint8))
    near_black = read(save, 255 - (room() * 255 / room().max()).astype(np.uint8), kind="disparity")
    assert (near_white.source.near, near_black.source.near) == ("white", "black")
    assert np.allclose(near_white.values, near_black.values, atol=1e-6)
    for depth in (near_white, near_black):
        require_certain(depth.source)
        found = depth.source.finding("near")
        assert found is not None
        assert found.evidence


def test_what_cannot_be_told_is_refused_with_the_flag_that_settles_it(save: Save) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    depth = read(save, noise)
    with pytest.raises(DepthError, match="--near white or --near black") as refused:
        require_certain(depth.source)
    assert refused.value.code is ErrorCode.DEPTH_AMBIGUOUS
    found = depth.source.finding("near")
    assert found is not None
    assert 0.5 <= found.confidence < LEAST_CONFIDENCE
    require_certain(read(save, noise, near="black").source)


def test_metres_become_disparity(save: Save) -> None:
    depth = read(save, METRES.astype(np.float32))
    assert (depth.source.near, depth.source.kind) == ("black", "distance")
    span = room().max() - room().min()
    assert np.abs(depth.values - (room() - room().min()) / span).max() < 1e-5
    same = read(save, METRES.astype(np.float32), unit="m")
    assert np.array_equal(same.values, depth.values)
    assert same.source.metres == 1


@pytest.mark.parametrize(("unit", "count"), [("mm", 1000), ("scannet", 1000), ("kitti", 256), ("tum", 5000)])
def test_sensor_files_hold_zeros_where_nothing_was_measured(save: Save, unit: str, count: int) -> None:
    stored = np.rint(METRES * count).astype(np.uint16)
    stored[10:20, 20:40] = 0
    for said in ({}, {"unit": unit}):
        depth = read(save, stored, **said)
        assert (depth.source.near, depth.source.kind) == ("black", "distance")
        assert np.array_equal(depth.valid, stored != 0)
        assert np.abs(depth.values[10:20, 20:40] - depth.values[5, 5]).max() < 0.05, (
            "filled with the wall around"
        )
        assert depth.source.raw_range[0] > 0
    assert depth.source.metres == pytest.approx(1 / count)


def test_65535_is_sky_in_distances_and_0_is_sky_in_disparity(save: Save) -> None:
    stored = np.rint(METRES * 1000).astype(np.uint16)
    stored[:20] = 65_535
    depth = read(save, stored)
    assert (depth.values[:20] == 0).all()
    assert depth.valid.all()
    assert depth.source.used_range[1] < 10_000
    sky = (room() * 40_000 + 20_000).astype(np.uint16)
    sky[:20] = 0
    depth = read(save, sky)
    assert (depth.values[:20] == 0).all()
    assert depth.source.raw_range[0] > 20_000, "the rest keeps the whole range"


def test_the_background_of_a_renderer_is_the_far_plane(save: Save) -> None:
    stored = METRES.astype(np.float32)
    stored[:30] = 1e10
    depth = read(save, stored)
    assert (depth.values[:30] == 0).all()
    assert np.abs(depth.values[30:] - read(save, stored[30:]).values).max() < 1e-5


def test_told_marks_are_holes_and_none_are_none(save: Save) -> None:
    stored = np.rint(room() * 200 / room().max()).astype(np.uint8)
    mark = int(stored[70, 40])
    assert (read(save, stored, empty=(mark,)).valid == (stored != mark)).all()
    zeros = np.rint(METRES * 1000).astype(np.uint16)
    zeros[:30] = 0
    assert read(save, zeros, empty=(), near="white").source.raw_range[0] == 0


def test_normalised_distances_are_told_by_how_planes_bend(save: Save) -> None:
    floor = np.repeat((1 / np.linspace(0.1, 1, 120))[:, None], 120, axis=1)
    linear = (floor - floor.min()) / (floor.max() - floor.min())
    assert read(save, linear.astype(np.float32)).source.kind == "distance"
    straight = np.repeat(np.linspace(1, 0, 120)[:, None], 120, axis=1)
    assert read(save, straight.astype(np.float32)).source.kind == "disparity"


@pytest.mark.parametrize("levels", [24, 38, 64])
def test_debanding_halves_the_error_of_slopes_and_moves_no_edge(levels: int) -> None:
    slope = smooth(200, 240) * 0.5
    slope[60:120, 80:140] = 0.9
    stored = np.rint(slope * (levels - 1)).astype(np.uint8)
    everywhere = np.ones(stored.shape, np.bool_)
    smoothed = debanded(stored, everywhere) / (levels - 1)
    before = np.sqrt(np.mean((stored / (levels - 1) - slope) ** 2))
    assert np.sqrt(np.mean((smoothed - slope) ** 2)) < 0.6 * before
    assert np.abs(smoothed * (levels - 1) - stored).max() <= 0.5 + 1e-9
    jump = np.abs(np.diff(smoothed, axis=1))[60:120, 79]
    assert jump.min() > 0.3, "the edge is as steep as it was"


def test_few_levels_are_told_and_debanding_is_used_when_asked(save: Save) -> None:
    stored = np.rint(smooth(96, 96) * 37).astype(np.uint8)
    depth = read(save, stored)
    assert depth.source.finding("banding") is not None
    assert len(np.unique(depth.values)) == 38
    assert len(np.unique(read(save, stored, deband=True).values)) > 1000


def test_a_hole_beside_a_near_thing_is_filled_from_behind() -> None:
    values = np.full((64, 64), 0.2, np.float32)
    values[:, 32:] = 0.9
    valid = np.ones((64, 64), np.bool_)
    valid[20:40, 26:36] = False
    filled = inpainted(np.where(valid, values, 0), valid)
    hole = filled[20:40, 26:36]
    assert ((np.abs(hole - 0.2) < 0.02) | (np.abs(hole - 0.9) < 0.02)).all(), (
        "no depth that is at neither side"
    )
    assert (np.abs(hole[:, :6] - 0.2) < 0.02).all()
    assert np.array_equal(filled[valid], values[valid])


def test_a_slope_is_continued_through_a_hole() -> None:
    slope = np.linspace(0, 1, 96, dtype=np.float32)[:, None] * np.ones(96, np.float32)
    valid = np.random.default_rng(0).random((96, 96)) > 0.6
    assert np.abs(inpainted(np.where(valid, slope, 0), valid) - slope).max() < 0.05


@pytest.mark.parametrize(("factor", "says"), [(257, "8-bit data"), (256, "8-bit data")])
def test_what_a_16_bit_file_really_holds(save: Save, factor: int, says: str) -> None:
    stored = np.rint(smooth(64, 64) * 255).astype(np.uint16) * factor
    found = read(save, stored).source.finding("bits")
    assert found is not None
    assert says in found.evidence
    fifteen = np.rint(smooth(64, 64) * 32_768).astype(np.uint16)
    found = read(save, fifteen).source.finding("bits")
    assert found is not None
    assert "15-bit" in found.evidence
    assert read(save, np.rint(smooth(64, 64) * 65_535).astype(np.uint16)).source.finding("bits") is None


def test_a_cluster_far_behind_does_not_squash_the_rest(save: Save) -> None:
    """As in the map of a room whose window panes are at zero."""
    numbers = (smooth(100, 100) * 25 + 12).astype(np.float32)
    numbers[:17, :17] = np.random.default_rng(0).uniform(-1.4, 0.5, (17, 17))
    depth = read(save, numbers)
    assert depth.source.raw_range[0] < 0
    assert depth.source.used_range[0] > 8
    assert (depth.values[:17, :17] == 0).all()
    few = numbers.copy()
    few[40:60, 40:60] = 60  # a near thing as small as that stays what it is
    assert read(save, few).source.used_range[1] == 60


def test_the_settled_reading_reads_the_same_again(save: Save) -> None:
    stored = np.rint(METRES * 1000).astype(np.uint16)
    stored[10:20, 20:40] = 0
    path = save("again.npy", npy(stored))
    depth = read_depth(path)
    again = read_depth(path, DepthReading.model_validate_json(depth.source.reading.model_dump_json()))
    assert np.array_equal(again.values, depth.values)
    assert np.array_equal(again.valid, depth.valid)


def test_sparse_points_never_give_a_depth_that_is_at_neither_side() -> None:
    """As a lidar's map: one pixel in ten, before a wall with a thing on it."""
    values = np.full((96, 96), 0.2, np.float32)
    values[30:70, 40:80] = 0.9
    valid = np.random.default_rng(1).random((96, 96)) < 0.1
    filled = inpainted(np.where(valid, values, 0), valid)
    away = np.minimum(np.abs(filled - 0.2), np.abs(filled - 0.9))
    assert (away < 0.03).mean() > 0.995
    assert (np.abs(filled - values) < 0.03).mean() > 0.85


def test_huge_numbers_that_go_on_are_no_background(save: Save) -> None:
    numbers = (smooth(60, 60) * 5e8 + 1e8).astype(np.float64)
    numbers[:9] = 1.2e9
    depth = read(save, numbers, near="white", range="full")
    assert depth.source.finding("holes") is None
    assert (depth.values[:9] == 1).all()


def test_lengths_are_distances_even_where_no_plane_bends(save: Save) -> None:
    frontal = np.full((96, 96), 4800, np.uint16)
    frontal[50:90, 20:60] = 2100
    frontal[60:95, 55:80] = 3300
    assert read(save, frontal, near="black").source.kind == "distance"
    assert read(save, (frontal * 13).astype(np.uint16), near="black").source.kind == "disparity", (
        "fills its type"
    )


def test_the_settled_reading_leaves_nothing_open(save: Save) -> None:
    reading = read(save, METRES.astype(np.float32)).source.reading
    assert (reading.near, reading.kind, reading.colour_map) == ("black", "distance", "gray")
    assert isinstance(reading.range, tuple)


@pytest.mark.parametrize("seed", range(5))
def test_cues_change_their_sign_when_the_map_is_inverted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.clip(room() / room().max() + rng.normal(0, 0.05, room().shape), 0, 1).astype(np.float32)
    values[: 10 * seed] = 0
    everywhere = np.ones(values.shape, np.bool_)
    assert np.allclose(cues(values, everywhere), -cues(1 - values, everywhere), atol=1e-5)
    assert "(+" in guess_near(SmallCopy(1 - values, everywhere, 0.0)).evidence
    assert guess_near(SmallCopy(1 - values, everywhere, 0.0)).near == "black"


@pytest.mark.parametrize("near", ["black", "white"])
def test_a_round_thing_on_nothing_is_nearest_in_its_middle(save: Save, near: str) -> None:
    """Shares of a range, which say nothing themselves."""
    numbers = (ball_alone(np.nan, 240, 320) - 1.6) * (1 if near == "black" else -1) + (near == "white")
    found = read(save, numbers.astype(np.float32)).source.finding("near")
    assert found is not None
    assert found.value == near
    assert found.confidence > LEAST_CONFIDENCE
    assert "the middle of things" in found.evidence


def test_points_become_a_surface_on_a_coarser_copy() -> None:
    known = np.random.default_rng(0).random((240, 320)) < 0.06
    slope = np.linspace(0, 1, 240)[:, None] * np.ones(320)
    values, valid, _ = small_copy(np.where(known, slope, np.nan), known)
    assert valid.mean() > 0.7
    assert (
        np.abs(
            values[valid] - np.linspace(0, 1, len(values))[:, None].repeat(values.shape[1], 1)[valid]
        ).max()
        < 0.1
    )
    whole, *_ = small_copy(slope, np.ones_like(known))
    assert max(whole.shape) > max(values.shape)


def test_packed_bytes_are_told_from_colours(tmp_path: Path) -> None:
    packed = np.rint((METRES / 1000) * (2**24 - 1)).astype(np.uint32)
    colours = np.stack([packed & 255, packed >> 8 & 255, packed >> 16], axis=-1).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "carla.png")
    depth = read_depth(tmp_path / "carla.png")
    assert (depth.source.colour_map, depth.source.near) == ("rgb24", "black")
    assert np.abs(depth.values - (room() - room().min()) / np.ptp(room())).max() < 1e-3


@pytest.mark.parametrize(
    ("count", "shape", "says"),
    [(1000, (120, 160), "mm: "), (5000, (480, 640), "tum: "), (256, (375, 1242), "kitti: ")],
)
def test_a_likely_unit_is_said_in_metres(save: Save, count: int, shape: tuple[int, int], says: str) -> None:
    metres = np.rint(1000 / room(*shape)) / 1000  # of a camera that measures whole millimetres
    stored = np.rint(metres * count).astype(np.uint16)
    stored[:20, :20] = 0
    found = read(save, stored).source.finding("unit")
    assert found is not None
    assert found.value.startswith(says)
    assert found.value.endswith(" to 9 m")
    assert found.confidence < 1
    told = read(save, stored, unit="m").source.finding("unit")
    assert told is not None
    assert (told.confidence, told.value[:2]) == (1, "m:")
    assert read(save, room().astype(np.float32)).source.finding("unit") is None


def test_integers_that_no_camera_marks_or_that_are_multiples_of_5_have_no_unit(save: Save) -> None:
    whole = np.rint(1000 / room()).astype(np.uint16)
    assert read(save, whole).source.finding("unit") is None  # such as centimetres of a renderer
    fives = np.rint(200 / room()).astype(np.uint16) * 5  # 5000 a metre, of a table's top
    for stored, named in ((whole, True), (fives, False)):
        stored[:4, :4] = 0
        assert (read(save, stored).source.finding("unit") is not None) == named


@pytest.mark.parametrize(
    ("count", "shape"),
    [(count, shape) for count in (4000, 6553.5, "stretched") for shape in ((120, 160), (480, 640))]
    + [(5000, (120, 160))],
)
def test_a_unit_that_nothing_supports_is_not_named(
    save: Save, count: float | str, shape: tuple[int, int]
) -> None:
    metres = np.rint(1000 / room(*shape)) / 1000
    if isinstance(count, str):
        stored = np.rint((metres - metres.min()) / np.ptp(metres) * 65_535).astype(np.uint16)
    else:
        stored = np.rint(metres * count).astype(np.uint16)
    source = read(save, stored, near="black", kind="distance").source
    assert (source.kind, source.metres, source.finding("unit")) == ("distance", None, None)


def beside_the_middle(front: float, back: float) -> NDArray[np.float64]:
    """Distances of a wall with a block (`front` < `back`) or a niche (`front` > `back`) to the right.

    One end of it is at `front`, the wall at `back`; its sides are parallel to the camera's view.
    """
    y, x = np.mgrid[-0.75:0.75:240j, -1:1:320j]
    left, right, high = 0.3, 2.2, 1.2
    near, far = min(front, back), max(front, back)
    wall = np.full(x.shape, back)

    def inside(distance: float) -> NDArray[np.bool_]:
        across = x * distance
        return (across > left) & (across < right) & (np.abs(y * distance) < high)

    if front < back:
        flank = left / np.maximum(x, 1e-9)
        seen = (flank > near) & (flank < far) & (np.abs(y) * flank < high)
        return np.where(inside(front), front, np.where(seen, flank, wall))
    opening = inside(near)
    flank = np.minimum(right / np.maximum(x, 1e-9), high / np.maximum(np.abs(y), 1e-9))
    return np.where(opening, np.minimum(flank, front), wall)


@pytest.mark.parametrize(("front", "back"), [(2.0, 3.0), (4.5, 3.0)])
def test_things_and_openings_jump_on_one_side_and_slope_on_the_other(front: float, back: float) -> None:
    nearness = 1 / beside_the_middle(front, back)
    everywhere = np.ones(nearness.shape, np.bool_)
    small = small_copy(nearness, everywhere)
    assert small.outlines > 0.3
    assert small_copy(-nearness, everywhere).outlines == pytest.approx(-small.outlines)
    slopes = cues(*small)[CUES.index("slopes away from the middle")]
    assert slopes > 0.02 or front < back  # the flank of a block is too narrow for a window
    # The same in the numbers of an enlarged and a reduced map.
    large = np.repeat(np.repeat(nearness, 4, axis=0), 4, axis=1)
    assert small_copy(large, np.ones(large.shape, np.bool_)).outlines > 0.3


def test_outlines_need_steps() -> None:
    slope = np.linspace(0, 1, 320)[None].repeat(240, axis=0)
    for numbers in (slope, np.zeros_like(slope), slope[:3, :3]):
        assert small_copy(numbers, np.ones(numbers.shape, np.bool_)).outlines == 0
