"""What the numbers of a map say of near and far, where its picture says the opposite or nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.depth.cues import small_copy
from depthpaint.depth.depth_map import LEAST_CONFIDENCE, DepthMap, DepthReading, DepthSource, Finding
from depthpaint.depth.evidence import Evidence, evidence_of, planes_of
from depthpaint.depth.holes import find_empty
from depthpaint.depth.meaning import guess_near
from depthpaint.depth.read import read_depth
from depthpaint.formats.exr_lines import write_exr_depth
from made_depth import Save, corridor, npy, smooth, turned_table

TABLE = turned_table()
LOST = np.random.default_rng(0).random(TABLE.shape) < 0.03
LOST[:, :6] = True
SENSOR = np.where(LOST, 0, np.rint(TABLE * 1000)).astype(np.uint16)


def read(save: Save, numbers: NDArray[Any], **settings: Any) -> DepthMap:
    return read_depth(save("map.npy", npy(numbers)), DepthReading.model_validate(settings))


def near_of(source: DepthSource) -> Finding:
    finding = source.finding("near")
    assert finding is not None
    return finding


def evidence_in(numbers: NDArray[Any]) -> Evidence:
    empty = find_empty(numbers, None, "auto", None)
    return evidence_of(numbers, empty.proper, numbers[empty.proper], empty, None)


def test_the_cues_of_a_turned_table_point_the_wrong_way() -> None:
    """Without this the tests below show nothing."""
    guess = guess_near(small_copy(TABLE, np.ones(TABLE.shape, np.bool_)))
    assert guess.near == "white"
    assert guess.confidence > LEAST_CONFIDENCE


@pytest.mark.parametrize(
    "numbers",
    [
        SENSOR,
        np.where(LOST, np.nan, TABLE).astype(np.float32),
        TABLE.astype(np.float32),
        np.rint(TABLE * 1000).astype(np.uint16),
    ],
    ids=["millimetres with 0", "metres with NaN", "metres", "millimetres"],
)
def test_lengths_of_a_turned_table_are_near_black_or_a_question(save: Save, numbers: NDArray[Any]) -> None:
    near = near_of(read(save, numbers).source)
    assert near.value == "black" or near.confidence < LEAST_CONFIDENCE


def test_a_sensor_over_a_turned_table_is_near_black(save: Save) -> None:
    near = near_of(read(save, SENSOR).source)
    assert near.value == "black"
    assert near.confidence > LEAST_CONFIDENCE
    for words in ("integers that do not fill their type", "0 where nothing was measured", "planes bend"):
        assert words in near.evidence


def test_numbers_against_cues_lower_the_confidence_and_with_them_raise_it() -> None:
    small = small_copy(TABLE, np.ones(TABLE.shape, np.bool_))
    alone = guess_near(small)
    against, along = (guess_near(small, Evidence(score, 0, ("lengths",))) for score in (1.0, -1.0))
    assert against.confidence < alone.confidence < along.confidence
    assert "lengths (-1.0)" in against.evidence
    assert "lengths (+1.0)" in along.evidence
    overruled = guess_near(small, Evidence(9.0, 0, ("lengths",)))
    assert overruled.near == "black"
    assert "lengths (+9.0)" in overruled.evidence


def test_the_same_kind_of_numbers_is_surer_where_the_cues_agree(save: Save) -> None:
    against, along = (read(save, metres.astype(np.float32)).source for metres in (TABLE, corridor()))
    assert near_of(against).confidence < near_of(along).confidence
    assert near_of(along).value == "black"


@pytest.mark.parametrize("metres", [TABLE, corridor()], ids=["table", "corridor"])
@pytest.mark.parametrize("share", [0.0, 0.15])
def test_planes_bend_in_distances_and_not_in_disparities(metres: NDArray[np.float64], share: float) -> None:
    known = np.random.default_rng(1).random(metres.shape) >= share
    for scale in (1, 1000):
        distances, spread = planes_of(metres * scale, known)
        assert distances == pytest.approx(1, abs=0.1)
        assert spread < 0.1
        assert planes_of(scale / metres, known)[0] == pytest.approx(0, abs=0.1)


def test_planes_are_no_evidence_where_there_are_too_few() -> None:
    noise = np.random.default_rng(2).uniform(1, 2, (120, 160))
    for numbers in (noise, np.full_like(noise, 2), noise[:9]):
        assert planes_of(numbers, np.ones(numbers.shape, np.bool_)) == (None, 1.0)


def test_stretched_numbers_are_no_evidence() -> None:
    for metres in (TABLE, corridor()):
        shares = (metres - metres.min()) / np.ptp(metres)
        stretched = (
            np.rint(shares * 65_535).astype(np.uint16),
            np.rint(shares * 255).astype(np.uint8),
            shares.astype(np.float32),
        )
        for numbers in stretched:
            assert evidence_in(numbers) == Evidence(0, 0, ())


def test_numbers_of_a_room_in_metres_are_evidence_and_those_of_a_landscape_are_not() -> None:
    words = "numbers up to 20, as metres in rooms"
    for metres in (TABLE, corridor()):
        assert words in evidence_in(metres.astype(np.float32)).reasons
        assert words not in evidence_in((metres * 30).astype(np.float32)).reasons
        assert words not in evidence_in(np.rint(metres * 2).astype(np.uint16)).reasons


def test_the_evidence_of_raw_kinect_numbers() -> None:
    raw = np.rint((3.33 - 1 / TABLE) / 0.00307).astype(np.uint16)
    without = evidence_in(raw)
    raw[LOST] = 2047
    evidence = evidence_in(raw)
    assert "2047, the mark of a Kinect's raw numbers" in evidence.reasons
    assert evidence.raw_kinect and not without.raw_kinect
    assert evidence.curved == 0  # planes are straight in them, which says nothing of the near end
    assert evidence.total == pytest.approx(without.total - without.curved + 4)


def test_raw_kinect_numbers_are_an_inverted_disparity_without_a_unit(save: Save) -> None:
    raw = np.rint((3.33 - 1 / TABLE) / 0.00307).astype(np.uint16)
    raw[LOST] = 2047
    source = read(save, raw).source
    assert (source.near, source.kind) == ("black", "disparity")
    assert source.finding("unit") is None


def test_a_renderers_background_is_evidence_and_infinity_is_none() -> None:
    sky = corridor()
    sky[:20] = 1e10
    assert "the background of a renderer" in evidence_in(sky).reasons
    sky[:20] = np.inf
    assert "the background of a renderer" not in evidence_in(sky).reasons


def test_an_exr_channel_z_is_weighed_with_the_picture(save: Save) -> None:
    """Estimators write relative disparity under the name that renderers use for metres."""
    disparity = read_depth(save("map.exr", write_exr_depth(smooth(96, 128).astype(np.float32))))
    assert near_of(disparity.source).value == "white"
    assert near_of(disparity.source).confidence > LEAST_CONFIDENCE
    metres = read_depth(save("map.exr", write_exr_depth(TABLE.astype(np.float32))))
    assert near_of(metres.source).value == "black"
    assert near_of(metres.source).confidence > near_of(read(save, TABLE.astype(np.float32)).source).confidence
    assert "the name suggests distance" in near_of(metres.source).evidence
