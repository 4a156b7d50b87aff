"""A batch whose pictures' depths are looked at: kept in records, counted, tried again, and never twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from batching import Paint, content, fake_engine, some_rows, write_rows

from depthpaint.batch import job
from depthpaint.batch.painting import OnePainter
from depthpaint.engine import Engine
from depthpaint.record.picture_file import read_record
from depthpaint.request import request_from
from depthpaint.verification.choosing import Requirement, choose
from fake_painter import FakeEstimator, FakePainter, offering

LOOK = Requirement("fake")


def agreement_in(path: Path) -> float:
    """The depth agreement that a picture's record holds."""
    found = read_record(path).agreement
    assert found is not None
    assert found.depth_agreement is not None
    return found.depth_agreement


def test_each_picture_is_judged_once_and_a_second_run_still_knows(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(4))
    told = paint(path, required=LOOK)
    kept = [agreement_in(Path("out", name)) for name in told.pictures]
    assert list(told.tally.agreements) == pytest.approx(kept)
    before = content()
    again = paint(path, required=LOOK)
    assert again.counts == (0, 4, 0)
    assert sorted(again.tally.agreements) == pytest.approx(sorted(kept))
    assert content() == before


def test_rows_that_ask_for_the_very_same_are_judged_as_one(paint: Paint) -> None:
    row = some_rows(1)[0]
    told = paint(write_rows("m.jsonl", [row, row]), required=LOOK)
    assert told.counts == (1, 1, 0)
    assert 1 <= len(told.tally.agreements) <= 2


def test_nobody_looks_unasked_and_who_looks_makes_a_picture_of_its_own(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(2))
    plain = paint(path)
    assert not plain.tally.agreements
    assert all(read_record(Path("out", name)).agreement is None for name in plain.pictures)
    looked = paint(path, required=LOOK)
    assert looked.counts == (2, 0, 0)
    assert sorted(looked.orphans) == sorted(plain.pictures)
    assert paint(path, required=Requirement("fake", 0.5, 3)).counts == (2, 0, 0)


def test_other_seeds_are_tried_as_generate_tries_them(paint: Paint) -> None:
    row = {**some_rows(1)[0], "seed": 7, "control_strength": 0.3, "num_inference_steps": 2, "name": "one"}
    required = Requirement("fake", 2.0, 6)
    paint(write_rows("m.jsonl", [row]), required=required)
    values = {field: value for field, value in row.items() if field != "name"}
    chosen = choose(fake_engine(), request_from(values), required).pictures[0]
    assert chosen.agreement is not None
    record = read_record(Path("out/one.png"))
    assert record.settings.seed == chosen.seed
    assert agreement_in(Path("out/one.png")) == pytest.approx(chosen.agreement.depth_agreement)
    assert chosen.agreement.tries > 1, "the first try is to be no winner here, or nothing was tested"


def test_those_that_agree_too_little_are_counted_now_and_later(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(5))
    reached = sorted(paint(path, required=LOOK).tally.agreements)
    required = Requirement("fake", (reached[1] + reached[2]) / 2)
    assert paint(path, required=required).tally.below == 2
    again = paint(path, required=required)
    assert (again.tally.painted, again.tally.below) == (0, 2)


def test_pictures_judged_by_another_score_are_painted_again(
    paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_rows("m.jsonl", some_rows(2))
    with monkeypatch.context() as patched:
        patched.setattr(job, "MEASURE", "another score")
        paint(path, required=LOOK)
        paint(path)
    assert paint(path, required=LOOK).counts == (2, 0, 0)
    assert paint(path).counts == (0, 2, 0), "what is not judged has no score"


def test_a_judge_with_other_weights_judges_anew(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(2))
    paint(path, required=LOOK)

    class Trained(FakeEstimator):
        def __init__(self, name: str) -> None:
            super().__init__(f"{name}, trained")

    trained = OnePainter(Engine(find=offering(FakePainter()), load_estimator=Trained))
    assert paint(path, required=LOOK, painters=trained).counts == (2, 0, 0)
    assert paint(path, required=LOOK, painters=trained).counts == (0, 2, 0)
