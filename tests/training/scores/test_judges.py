"""Judges learn what true renders show, and a picture that shows something else fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from training.scores import judges
from training.scores.classifier import learned, load, save
from training.scores.held_out import HeldOut, Picture
from training.scores.judge import Judge, Subject, accuracies, lessons
from training.scores.light import LIGHT, seen_light
from training.scores.material import MATERIAL, SIDE, asked_materials, seen_material, window
from training.scores.rematerial import MADE, rematerialed
from training.scores.spoken import spoken
from training.scores.table import Means, measure
from training.worlds.palette import look_of
from training.worlds.shards import SMALL, Area

ROUNDS = 12


@pytest.fixture(scope="module")
def light(days_and_nights: list[HeldOut]) -> Judge:
    found = lessons([LIGHT], days_and_nights[:20])["light"]
    return Judge(LIGHT, learned(LIGHT.classes, found, ROUNDS), 0.0)


def test_a_judge_of_light_knows_noon_from_night(light: Judge, days_and_nights: list[HeldOut]) -> None:
    unseen = days_and_nights[20:]
    assert accuracies([light], unseen)["light"] == 1
    dimmed = [light.right(asked, asked.render // 6) for asked in unseen if asked.world.lighting == "noon"]
    assert dimmed == [[0.0]] * 4, "a painting as dark as night is no noon"


def test_a_judge_s_answers_are_in_the_table(light: Judge, days_and_nights: list[HeldOut]) -> None:
    unseen = [replace(asked, index=1) for asked in days_and_nights[20:]]
    means = Means(lambda asked: asked.render // 6, None, None, (light,))
    table = cast("dict[str, Any]", measure(unseen, means).table())
    assert table["asked"]["light"] == {"asked": 8, "left_out": 0}
    assert table["scores"]["light"]["render"]["mean"] == 1
    assert table["scores"]["light"]["painted"]["mean"] <= 0.5
    assert table["scores"]["light: noon"]["painted"]["mean"] == 0
    assert table["scores"]["light: noon"]["painted"]["count"] == 4
    assert "light: fog" not in table["scores"]


def test_light_is_asked_for_only_where_a_render_shows_it(few: list[HeldOut]) -> None:
    assert [LIGHT.asked(asked) for asked in few] == [[(0, "day")]] * 4 + [[]] * 4
    assert [LIGHT.said(asked) for asked in few] == [1] * 8
    pale = replace(few[0], world=replace(few[0].world, style="pencil"))
    assert LIGHT.asked(pale) == []
    lamps = replace(few[0], world=replace(few[0].world, lighting="lamps"))
    assert LIGHT.asked(lamps) == []
    assert LIGHT.taught(lamps) == [(0, "lamps")]
    assert LIGHT.said(pale) == 0


def test_the_judge_of_light_is_told_the_tones_of_things(few: list[HeldOut]) -> None:
    seen = seen_light(few[0], few[0].render, 0)
    assert seen.shape[0] == 7
    black = seen_light(few[0], np.zeros_like(few[0].render), 0)
    assert torch.equal(seen[3:], black[3:])
    assert float(seen[6].max()) == 1
    assert float(black[:3].max()) == 0


def made_of(asked: HeldOut, material: str | None) -> HeldOut:
    """The world with the first thing that is asked for made of another material."""
    named = next(i for i, name in asked_materials(asked) if name == "smooth")
    look = next(s.look for s in asked.world.solids if s.named == named)
    rng = np.random.default_rng(0)
    names = tuple(replace(n, material=material) if i == named else n for i, n in enumerate(asked.world.named))
    looks = tuple(
        look_of(rng, names[named].colour, material) if i == look else k
        for i, k in enumerate(asked.world.looks)
    )
    return replace(asked, world=replace(asked.world, named=names, looks=looks))


def test_materials_are_asked_for_by_what_the_world_is_made_of(few: list[HeldOut]) -> None:
    asked = next(world for world in few if any(name == "smooth" for _, name in asked_materials(world)))
    named = next(i for i, name in asked_materials(asked) if name == "smooth")
    assert (named, "patterned") in asked_materials(made_of(asked, "wood"))
    assert named not in dict(asked_materials(made_of(asked, "velvet")))
    far = made_of(asked, "wood")
    far = replace(far, nearness=far.nearness / 100)
    assert named not in dict(asked_materials(far)), "too far away for a pattern"
    dim = replace(asked, world=replace(asked.world, lighting="night"))
    assert asked_materials(dim) == []
    assert MATERIAL.said(asked) == len(spoken(asked)) > len(asked_materials(asked))


def test_the_judge_of_materials_sees_the_thing_alone(few: list[HeldOut]) -> None:
    asked = next(world for world in few if asked_materials(world))
    named = asked_materials(asked)[0][0]
    mask = asked.mask(named)[..., None]
    other = np.where(mask, asked.render, 255 - asked.render).astype(np.uint8)
    seen = seen_material(asked, asked.render, named)
    assert seen.shape == (8, SIDE, SIDE)
    assert torch.equal(seen, seen_material(asked, other, named))
    changed = np.where(mask, 255 - asked.render, asked.render).astype(np.uint8)
    assert not torch.equal(seen[:3], seen_material(asked, changed, named)[:3])


def test_the_window_lies_on_the_thing_and_low() -> None:
    mask = np.zeros((100, 80), bool)
    mask[20:90, 30:75] = True
    top, left = window(mask)
    assert mask[top : top + SIDE, left : left + SIDE].all()
    assert top + SIDE == 90


def test_rematerialed_things_are_said_and_made_of_what_can_be_learned(few: list[HeldOut]) -> None:
    rng = np.random.default_rng(0)
    found: set[str | None] = set()
    for asked in few * 3:
        world = rematerialed(asked.world, rng)
        for old, new in zip(asked.world.named, world.named, strict=True):
            if old != new:
                assert new.material in MADE
                found.add(new.material)
        assert [s.look for s in world.solids] == [s.look for s in asked.world.solids]
    assert found == set(MADE)


def test_judges_are_taught_once_and_found_again(
    few: list[HeldOut], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bright = Subject("bright", ("no", "yes"), _questions, _questions, lambda _: 1, _mean)

    def worlds(count: int, area: Area) -> Iterator[HeldOut]:
        assert area is SMALL
        yield from few[:count]

    monkeypatch.setattr(judges, "SUBJECTS", (bright,))
    monkeypatch.setattr(judges, "learned_worlds", worlds)
    monkeypatch.setattr(judges, "held_out_worlds", worlds)
    heard: list[str] = []
    (first,) = judges.find_judges(tmp_path, lambda name, _: heard.append(name), (6, 8), ROUNDS)
    assert {"rendering for the judges", "teaching the judge of bright"} == set(heard)
    heard.clear()
    (again,) = judges.find_judges(tmp_path, lambda name, _: heard.append(name))
    assert heard == []
    assert again.accuracy == first.accuracy == accuracies([again], few)["bright"]


def _questions(asked: HeldOut) -> list[tuple[int, str]]:
    return [(0, "yes" if asked.render.mean() > 110 else "no")]


def _mean(asked: HeldOut, picture: Picture, named: int) -> torch.Tensor:
    return torch.full((1, 16, 16), float(picture.mean()) / 255)


def test_a_saved_network_answers_as_before(
    light: Judge, days_and_nights: list[HeldOut], tmp_path: Path
) -> None:
    save(light.network, tmp_path / "light.safetensors", 0.5)
    network, accuracy = load(tmp_path / "light.safetensors")
    inputs = torch.stack([seen_light(asked, asked.render, 0) for asked in days_and_nights[:3]])
    assert accuracy == 0.5
    with torch.no_grad():
        assert torch.equal(network(inputs), light.network(inputs))
