"""The time that is left: learned, never negative, and blind to the calendar."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from depthpaint.batch.expectation import Expectation


def ticking(*seconds: float) -> Iterator[float]:
    yield from seconds


def test_it_learns_from_what_has_run() -> None:
    clock = ticking(0, 10, 12, 14)
    expected = Expectation({"small": 50}, clock.__next__)
    assert expected.seconds_left() is None
    expected.begin()
    expected.painted("small", 10)
    assert expected.seconds_left() == pytest.approx(2 / 10 * 40)
    expected.skipped("small", 20)
    assert expected.seconds_left() == pytest.approx(2 / 10 * 20)
    expected.painted("small", 20)
    assert expected.seconds_left() == 0


def test_loading_a_model_is_not_taken_for_painting() -> None:
    expected = Expectation({"m": 20}, ticking(0, 0, 32).__next__)
    expected.begin()
    expected.painted("m", 10, loading=30)
    assert expected.seconds_left() == pytest.approx(2)


def test_each_model_has_its_own_speed_and_an_unseen_one_the_average() -> None:
    expected = Expectation({"slow": 20, "fast": 20, "new": 10}, ticking(0, 0, 100, 101).__next__)
    expected.begin()
    expected.painted("slow", 10)
    expected.painted("fast", 10)
    assert expected.seconds_left() == pytest.approx(100 + 1 + 101 / 20 * 10)


def test_a_clock_that_jumps_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    jumps = ticking(*(1e9 * (-1) ** k for k in range(100)))
    monkeypatch.setattr(time, "time", jumps.__next__)
    expected = Expectation({"m": 10})
    for _ in range(20):
        expected.begin()
        expected.painted("m", 1)
        left = expected.seconds_left()
        assert left is not None
        assert 0 <= left < 60
