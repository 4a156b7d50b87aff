"""Numbers that mean "no depth": how they are noticed in each kind of map, and what becomes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.depth.depth_map import Aspect, DepthMap, DepthReading
from depthpaint.depth.holes import find_empty, is_scattered
from depthpaint.depth.read import read_depth
from made_depth import Save, ball_alone, corridor, npy

ROOM = corridor()
MILLIMETRES = np.rint(ROOM * 1000).astype(np.uint16)
LOST = np.zeros(ROOM.shape, np.bool_)
LOST[40:60, 20:50] = True
DISPARITY = 60 / ROOM
LARGEST = float(np.finfo(np.float32).max)


def read(save: Save, numbers: NDArray[Any], **settings: Any) -> DepthMap:
    return read_depth(save("map.npy", npy(numbers)), DepthReading.model_validate(settings))


def words_of(depth: DepthMap, aspect: Aspect) -> str:
    finding = depth.source.finding(aspect)
    return "" if finding is None else finding.value


def test_0_in_lengths_is_a_hole_though_the_nearest_thing_is_as_close(save: Save) -> None:
    """The gap from 0 to the nearest thing is less than 5 % of the range."""
    stored = MILLIMETRES.copy()
    stored[95:115, 100:125] = 300
    assert 0 < stored.min() < 0.05 * np.ptp(stored)
    stored[LOST] = 0
    for numbers in (stored, (stored / np.float32(1000))):
        depth = read(save, numbers)
        assert depth.source.near == "black"
        assert np.array_equal(depth.valid, ~LOST)
        assert depth.values[LOST].max() < 0.9 * depth.values.max()
        assert depth.source.raw_range[0] > 0


def test_0_below_a_gap_in_8_bits_is_a_hole_only_where_black_is_near(save: Save) -> None:
    shares = (DISPARITY - DISPARITY.min()) / np.ptp(DISPARITY)
    stored = np.rint(shares * 150 + 100).astype(np.uint8)
    stored[LOST] = 0
    depth = read(save, stored, near="white")
    assert depth.valid.all()
    assert depth.source.raw_range[0] == 0
    # A camera's distances in shares of the farthest.
    distances = np.rint(255 * np.minimum(ROOM, 4) / 4).astype(np.uint8)
    assert distances.min() > 0.05 * 255
    distances[LOST] = 0
    depth = read(save, distances)
    assert depth.source.near == "black"
    assert np.array_equal(depth.valid, ~LOST)
    assert depth.values[LOST].max() < 0.9 * depth.values.max()


def test_0_without_a_gap_in_8_bits_is_depth(save: Save) -> None:
    stored = np.rint(255 * (ROOM - ROOM.min()) / np.ptp(ROOM)).astype(np.uint8)
    stored[LOST] = 0
    assert find_empty(stored, None, "auto", None).proper.all()
    assert read(save, stored, near="black").valid.all()


@pytest.mark.parametrize(
    ("low", "high", "mark"), [(1, 300, 0), (10_000, 65_000, 65_535)], ids=["below", "above"]
)
def test_25_wrong_pixels_hide_no_mark(low: int, high: int, mark: int) -> None:
    """They lie between the mark and all other numbers, on 0.03 % of the picture."""
    stored = np.rint(corridor(240, 320) * 100 + 1000).astype(np.uint16)
    rng = np.random.default_rng(0)
    stored.reshape(-1)[rng.choice(stored.size, 25, replace=False)] = rng.integers(low, high, 25)
    stored[100:120, 100:140] = mark
    empty = find_empty(stored, None, "auto", None)
    assert (empty.low_mark if mark == 0 else empty.high_mark) == mark
    assert np.array_equal(~empty.proper, stored == mark)


def test_25_wrong_pixels_hide_no_0_of_disparities() -> None:
    """Whose numbers are no lengths: they fill their type, and 0 is a mark because it lies apart."""
    stored = np.rint(corridor(240, 320) * 3000 + 41_000).astype(np.uint16)
    rng = np.random.default_rng(0)
    stored.reshape(-1)[rng.choice(stored.size, 25, replace=False)] = rng.integers(1, 1000, 25)
    stored[100:120, 100:140] = 0
    empty = find_empty(stored, None, "auto", None)
    assert (empty.low_mark, empty.apart) == (0, True)


@pytest.mark.parametrize("pattern", ["lines", "points"])
def test_what_a_lidar_measures_is_read_and_filled(save: Save, pattern: str) -> None:
    known = np.zeros(ROOM.shape, np.bool_)
    if pattern == "lines":
        known[::4] = True
    else:
        known = np.random.default_rng(3).random(ROOM.shape) < 0.06
    assert is_scattered(known)
    depth = read(save, np.where(known, np.rint(ROOM * 256), 0).astype(np.uint16))
    assert (depth.source.near, depth.source.reading.holes) == ("black", "inpaint")
    assert np.array_equal(depth.valid, known)
    whole = read(save, np.rint(ROOM * 256).astype(np.uint16), near="black", kind="distance")
    assert np.median(np.abs(depth.values - whole.values)) < 0.03
    assert (depth.values[~known] > 0).mean() > 0.7


@pytest.mark.parametrize("background", [0, -1, np.nan, np.inf, 1e10, LARGEST, 65504])
def test_the_background_of_a_thing_is_far_and_never_nearest(save: Save, background: float) -> None:
    """The thing covers 1.4 % of the picture."""
    numbers = ball_alone(background).astype(np.float32)
    thing = (numbers > 1) & (numbers < 3)
    assert thing.mean() == pytest.approx(0.014, abs=0.001)
    depth = read(save, numbers)
    assert depth.values.shape == numbers.shape
    assert (depth.values[~thing] == 0).all()
    assert depth.source.near == "black"
    assert np.argmin(numbers[thing]) == np.argmax(depth.values[thing])
    assert depth.source.raw_range == (numbers[thing].min(), numbers[thing].max())
    holes = words_of(depth, "holes")
    assert holes.startswith("98.6%")
    assert holes.endswith(("infinitely far", "put at the far plane"))


def test_the_background_of_a_thing_in_millimetres_is_far(save: Save) -> None:
    numbers = np.rint(ball_alone(0) * 1000).astype(np.uint16)
    depth = read(save, numbers)
    assert (depth.values[numbers == 0] == 0).all()
    assert np.array_equal(depth.valid, numbers > 0)
    assert depth.source.reading.holes == "far"


@pytest.mark.parametrize(
    ("mark", "dtype"),
    [(-16, np.int16), (-1, np.float32), (np.inf, np.float32), (np.nan, np.float32), (-np.inf, np.float32)],
)
def test_what_stereo_did_not_match_is_unknown_and_not_far(save: Save, mark: float, dtype: Any) -> None:
    numbers = np.rint(DISPARITY * 16) if dtype is np.int16 else DISPARITY
    numbers = np.where(LOST, mark, numbers).astype(dtype)
    for settings in ({}, {"near": "white"}):
        depth = read(save, numbers, **settings)
        assert (depth.source.near, depth.source.kind) == ("white", "disparity")
        assert np.array_equal(depth.valid, ~LOST)
        assert (depth.values[LOST] > 0.05).all(), "filled from the walls around, which are not far"
        assert depth.source.raw_range[0] > 0


@pytest.mark.parametrize("top", [255, 8000, 40_000, 65_535])
def test_0_of_disparities_without_a_gap_is_the_farthest_depth(save: Save, top: int) -> None:
    """The sky of a landscape whose ground goes on to the horizon."""
    y = np.linspace(-0.25, 1, 120)[:, None] + np.linspace(0, 0.05, 160)
    shares = np.clip(y, 0, None)
    shares[60:90, 40:60] += 0.1
    stored = np.rint(shares / shares.max() * top).astype(np.uint8 if top == 255 else np.uint16)
    depth = read(save, stored, near="white")
    assert depth.source.kind == "disparity"
    assert depth.valid.all()
    assert (depth.values[stored == 0] == 0).all()
    assert (depth.values[stored > 0.1 * top] > 0.05).all()


def test_2047_of_a_kinect_is_unknown_at_either_end(save: Save) -> None:
    raw = np.rint((3.33 - 1 / ROOM) / 0.00307).astype(np.uint16)
    raw[LOST] = 2047
    for near in ("auto", "black", "white"):
        depth = read(save, raw, near=near)
        assert np.array_equal(depth.valid, ~LOST)
        assert depth.source.raw_range[1] < 1100


def test_65535_is_far_in_lengths_and_unknown_where_it_would_be_near(save: Save) -> None:
    stored = MILLIMETRES * 5  # up to 40,000, and thus not three times as far from the mark as from 0
    stored[LOST] = 65_535
    far = read(save, stored)
    assert far.source.near == "black"
    assert (far.values[LOST] == 0).all()
    assert far.valid.all()
    assert far.source.raw_range[1] == 40_000
    disparity = np.rint(DISPARITY * 1000).astype(np.uint16)
    disparity[LOST] = 65_535
    unknown = read(save, disparity, near="white")
    assert np.array_equal(unknown.valid, ~LOST)
    assert unknown.values[LOST].max() < 1


@pytest.mark.parametrize("mark", [-np.inf, -LARGEST, -1e10])
def test_the_negative_end_of_floats_is_unknown(save: Save, mark: float) -> None:
    for numbers in (ROOM, DISPARITY):
        depth = read(save, np.where(LOST, mark, numbers).astype(np.float32))
        assert np.array_equal(depth.valid, ~LOST)
        assert depth.source.raw_range[0] > 0


def test_both_ends_of_a_type_may_be_marks_in_one_map(save: Save) -> None:
    numbers = np.where(LOST, -LARGEST, ROOM)
    numbers[:10] = LARGEST
    depth = read(save, numbers.astype(np.float32))
    assert np.array_equal(depth.valid, ~LOST)
    assert (depth.values[:10] == 0).all()


@pytest.mark.parametrize(
    "empty", [np.s_[:, :20], np.s_[:12], np.s_[[*range(10), *range(110, 120)]]], ids=["left", "top", "bars"]
)
def test_the_blind_rim_of_a_sensor_is_unknown_and_not_cut(save: Save, empty: Any) -> None:
    stored = MILLIMETRES.copy()
    stored[empty] = 0
    depth = read(save, stored)
    assert depth.values.shape == stored.shape
    assert words_of(depth, "frame") == ""
    assert np.array_equal(depth.valid, stored > 0)
    assert "unknown, filled" in words_of(depth, "holes")
