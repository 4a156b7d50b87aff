"""Held-out worlds are the same for ever, and twins are others of their kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from depthpaint.engine import Engine
from depthpaint.record.result import Result
from depthpaint.request import Request
from fake_painter import FakePainter, offering
from training.scores.held_out import HeldOut, held_out_worlds, twin_of
from training.scores.painting import SEED, engine_paint
from training.scores.spoken import spoken, words_of
from training.worlds.shards import SMALL


def test_a_world_is_the_same_whatever_the_count_and_ratios_alternate() -> None:
    short, long = list(held_out_worlds(2, SMALL)), list(held_out_worlds(3, SMALL))
    for first, second in zip(short, long, strict=False):
        assert first.caption == second.caption
        assert np.array_equal(first.render, second.render)
    (later,) = held_out_worlds(1, SMALL, 2)
    assert (later.index, later.caption, later.size) == (2, long[2].caption, long[2].size)
    assert [asked.size for asked in long] == list(SMALL.sizes[:3])
    assert long[0].caption != long[2].caption
    assert long[0].disparity.min() == 0
    assert long[0].disparity.max() == 1


def test_a_twin_is_another_world_of_the_same_kind(few: list[HeldOut]) -> None:
    pencil = replace(few[0], world=replace(few[0].world, style="pencil"))
    for asked in (pencil, few[-1]):
        twin = twin_of(asked)
        assert (twin.world.family, twin.world.style) == (asked.world.family, asked.world.style)
        assert twin.size == asked.size
        assert not np.array_equal(twin.disparity, asked.disparity)


def test_what_is_asked_for_is_said_once(few: list[HeldOut]) -> None:
    for asked in few:
        nouns = [asked.world.named[i].noun for i in asked.visible]
        for named in spoken(asked):
            assert words_of(asked.world.named[named]) in asked.caption
            assert nouns.count(asked.world.named[named].noun) == 1
    assert any(len(spoken(asked)) < len(asked.visible) for asked in few)


def test_painting_goes_through_the_whole_program(
    few: list[HeldOut], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(offering(FakePainter()))
    requests: list[Request] = []
    plain = engine.paint

    def heard(request: Request) -> Result:
        requests.append(request)
        return plain(request)

    monkeypatch.setattr(engine, "paint", heard)
    painted = engine_paint(engine, tmp_path)(few[0])
    assert painted.shape == few[0].render.shape
    (request,) = requests
    assert (request.prompt, request.seed) == (few[0].caption, SEED)
    depth = engine.prepare(request).depth
    assert np.abs(depth.values - few[0].disparity).max() < 1e-3
