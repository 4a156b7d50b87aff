"""Colours are asked for where true renders show them: every rule leaves something out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from training.scores.colour import asked_colours, coloured, has_colour, right_colours
from training.scores.held_out import HeldOut
from training.worlds.palette import COLOURS
from training.worlds.world import Look, World


def with_look(**values: object) -> Callable[[World, int], World]:
    def changed(world: World, named: int) -> World:
        worn = {s.look for s in world.solids if s.named == named}
        looks: tuple[Look, ...] = tuple(
            replace(look, **values) if i in worn else look  # pyright: ignore[reportArgumentType]
            for i, look in enumerate(world.looks)
        )
        return replace(world, looks=looks)

    return changed


def as_fence(world: World, named: int) -> World:
    names = tuple(replace(n, noun="fence") if i == named else n for i, n in enumerate(world.named))
    return replace(world, named=names)


def in_fog(world: World, named: int) -> World:
    return replace(world, lighting="fog")


def in_watercolour(world: World, named: int) -> World:
    return replace(world, style="watercolour")


@pytest.mark.parametrize(
    "breaks",
    [
        in_fog,
        in_watercolour,
        as_fence,
        with_look(glow=0.5),
        with_look(metal=0.1),
        with_look(albedo=(0.5, 0.3, 0.9)),
    ],
)
def test_what_breaks_one_rule_is_said_and_not_asked_for(
    few: list[HeldOut], breaks: Callable[[World, int], World]
) -> None:
    asked = next(world for world in few if asked_colours(world))
    named = asked_colours(asked)[0]
    broken = replace(asked, world=breaks(asked.world, named))
    assert named in coloured(broken)
    assert named not in asked_colours(broken)


def test_small_things_are_not_asked_for(few: list[HeldOut]) -> None:
    asked = next(world for world in few if asked_colours(world))
    named = asked_colours(asked)[0]
    ids = asked.ids.copy()
    rest = (ids == named).nonzero()
    ids[rest[0][30:], rest[1][30:]] = 0
    assert named not in asked_colours(replace(asked, ids=ids))


def test_a_thing_has_the_colour_that_it_is_painted_in(few: list[HeldOut]) -> None:
    asked = next(world for world in few if asked_colours(world))
    named = asked_colours(asked)[0]
    picture = asked.render.copy()
    for word in ("red", "blue", "yellow"):
        picture[asked.mask(named)] = [round(255 * c) for c in COLOURS[word]]
        assert has_colour(asked, picture, named, word)
        assert right_colours(asked, picture)[0] == (word == asked.world.named[named].colour)
