"""The measurements of the depth doctor, on a handful of worlds."""

from __future__ import annotations

import numpy as np
import pytest

from depthpaint.depth.cues import cues, small_copy
from depthpaint.depth.meaning import WEIGHTS
from training import colour_study
from training.colour_study import colour_table, refusal_share
from training.doctor_sheet import doctor_sheet
from training.near_study import fitted_weights, kind_table, make_corpus, near_table

CORPUS = make_corpus(36, seed=5)


def test_the_detector_dares_and_is_right() -> None:
    scores = near_table(CORPUS)["all"]
    assert isinstance(scores, dict)
    assert scores["maps"] == 36
    assert scores["dares"] >= 0.8
    assert scores["right"] >= 0.95


def test_a_detector_that_looks_away_is_found_out() -> None:
    """The score is one of the detector, not of the corpus."""
    upside = [depth[::-1] for depth in CORPUS.maps]
    scores = near_table(type(CORPUS)(CORPUS.families, upside))["all"]
    assert isinstance(scores, dict)
    assert scores["right"] < 0.5


def test_fitted_weights_tell_near_from_far_as_the_shipped_ones_do() -> None:
    """Near is high in every map of the corpus. The shipped weights were fitted on other files, too."""
    found = np.stack([cues(*small_copy(depth, np.ones(depth.shape, np.bool_))) for depth in CORPUS.maps])
    assert (found @ fitted_weights(CORPUS) > 0).mean() >= 0.95
    assert (found @ np.array(WEIGHTS) > 0).mean() >= 0.9


def test_distance_is_told_from_disparity_more_often_than_the_other_way() -> None:
    found = kind_table(CORPUS)
    assert found["distance, 16 bits"] > 0.3 > 0.1 >= found["disparity, 16 bits"]


@pytest.mark.full
def test_the_colour_table_holds_every_spoiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colour_study, "NAMES", ("jet", "bone"))
    depth = CORPUS.maps[0][::2, ::2]
    table = colour_table([(depth - depth.min()) / np.ptp(depth)])
    rows = table["rmse_8bit"]
    assert isinstance(rows, dict)
    assert set(rows) == {"jet", "bone"}
    assert all(row["clean"]["greatest"] <= 0.7 for row in rows.values())
    assert set(rows["jet"]) == {
        "clean", "noise 1", "noise 2", "noise 4", "JPEG 95", "JPEG 90", "JPEG 75", "JPEG 50",
    }  # fmt: skip


def test_pictures_that_are_no_depth_are_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert refusal_share([noise]) == 1


def test_the_sheet_holds_six_files() -> None:
    assert doctor_sheet().size == (6 * 200 + 8, 434)
