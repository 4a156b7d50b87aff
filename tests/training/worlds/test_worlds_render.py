"""Depth, masks and pictures of worlds, held against geometry that is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from training.worlds.builder import Builder
from training.worlds.caption import visible_named
from training.worlds.colour_words import named_colour
from training.worlds.families import FAMILIES, random_world
from training.worlds.grounds import FLAT, meadow
from training.worlds.lighting import OUTDOORS, light_of
from training.worlds.recolour import recoloured
from training.worlds.render import render_worlds
from training.worlds.world import Camera, World


def plain_world(*, tangent: float = 0.5, pitch: float = 0.0) -> World:
    """A level meadow seen from 2 m, with a box, a ball and a far ball half behind it."""
    b = Builder(np.random.default_rng(3), "photo")
    ground = meadow(b, "summer", FLAT, "rock", None)
    b.at(-1.5, 0, 6).box((0, 0, 0), (1, 4, 2), b.paint("box", "red", None))
    b.at(1.5, 1, 5).ball((0, 0, 0), (2, 2, 2), b.paint("sphere", "blue", None))
    b.at(2.6, 1, 8).ball((0, 0, 0), (3, 3, 3), b.paint("cone", "green", None))
    light = light_of(np.random.default_rng(0), OUTDOORS["noon"])
    return World(
        "things", "landscape", None, "noon", "summer", "photo", Camera((0, 2, 0), 0.0, pitch, tangent),
        tuple(b.solids), tuple(b.looks), tuple(b.named), ground, (), light, (0, 0, 5), 8.0, 1,
    )  # fmt: skip


def test_disparity_is_one_over_the_distance_along_the_view_axis() -> None:
    drawn = render_worlds([plain_world()], 65, 65, depth_only=True)
    disparity, ids = drawn.disparity[0], drawn.ids[0]
    named = [n.noun for n in plain_world().named]
    column = 32 - round(1.5 / 5 * 65)  # x = -1.5 at z = 5, tangent 0.5
    assert disparity[32, column] == pytest.approx(1 / 5, rel=1e-4), "the box's front is 5 m away"
    assert named[int(ids[32, column])] == "box"
    assert float(disparity.max()) >= 0.2
    row = 60
    v = 1 - 2 * (row + 0.5) / 65
    assert disparity[row, 32] == pytest.approx(0.5 * -v / 2, rel=2e-3), "the meadow lies 2 m below the eye"
    assert named[int(ids[row, 32])] == "grass"
    assert disparity[2, 32] == 0, "the sky is infinitely far"
    assert ids[2, 32] == 0


def test_a_pitched_eye_measures_along_its_own_axis() -> None:
    pitch = 0.3
    drawn = render_worlds([plain_world(pitch=pitch)], 33, 33, depth_only=True)
    # The middle ray meets the ground at 2 / sin(pitch) metres, all of it along the axis.
    assert drawn.disparity[0, 16, 16] == pytest.approx(math.sin(pitch) / 2, rel=2e-3)


def test_ids_name_what_is_nearest() -> None:
    world = plain_world()
    named = [n.noun for n in world.named]
    both = render_worlds([world], 96, 96, depth_only=True)
    alone = render_worlds(
        [replace(world, solids=world.solids[:1] + world.solids[2:])], 96, 96, depth_only=True
    )
    ball = both.ids[0] == named.index("sphere")
    assert int(ball.sum()) > 100
    assert bool((both.disparity[0][ball] > alone.disparity[0][ball]).all())
    hidden = ball & (alone.ids[0] == named.index("cone"))
    assert int(hidden.sum()) > 20, "the near ball covers part of the far one"


def test_equal_seeds_give_equal_worlds_in_any_company() -> None:
    worlds = [random_world(np.random.default_rng(s), ratio=1.0, style="photo") for s in (1, 2, 3)]
    again = [random_world(np.random.default_rng(s), ratio=1.0, style="photo") for s in (1, 2, 3)]
    assert worlds == again
    together, alone = render_worlds(worlds, 40, 40), render_worlds(again[1:2], 40, 40)
    torch.testing.assert_close(together.disparity[1], alone.disparity[0])
    torch.testing.assert_close(together.picture[1], alone.picture[0], rtol=0, atol=2e-3)
    assert torch.equal(together.ids[1], alone.ids[0])


@pytest.mark.parametrize(("width", "height"), [(24, 72), (40, 40), (72, 24)])
def test_every_family_renders_at_every_ratio(width: int, height: int) -> None:
    worlds = [random_world(np.random.default_rng(7), family=f, ratio=width / height) for f in FAMILIES]
    drawn = render_worlds(worlds, width, height)
    assert drawn.picture.shape == (len(FAMILIES), height, width, 3)
    assert drawn.picture.dtype == drawn.disparity.dtype == torch.float32
    assert drawn.ids.dtype == torch.int16
    assert bool(drawn.picture.isfinite().all())
    assert float(drawn.picture.min()) >= 0
    assert float(drawn.picture.max()) <= 1
    assert bool(drawn.disparity.isfinite().all())
    assert float(drawn.disparity.min()) >= 0
    for world, ids, disparity, family in zip(worlds, drawn.ids, drawn.disparity, FAMILIES, strict=True):
        assert int(ids.max()) < len(world.named)
        assert float(disparity.max() - disparity.min()) > 1e-3, f"{family}: nothing to see"


def test_depth_only_agrees_with_the_shaded_depth() -> None:
    worlds = [random_world(np.random.default_rng(5), family=f, ratio=1.0) for f in ("bedroom", "lake")]
    full, bare = render_worlds(worlds, 48, 48), render_worlds(worlds, 48, 48, depth_only=True)
    gap = (full.disparity - bare.disparity).abs() / bare.disparity.clamp_min(0.02)
    assert float(gap.flatten(1).median(1).values.max()) < 0.05


def test_a_colour_word_changes_its_own_thing() -> None:
    world = plain_world()
    index = [n.noun for n in world.named].index("sphere")
    other = recoloured(world, index, "yellow")
    before, after = render_worlds([world], 64, 64), render_worlds([other], 64, 64)
    assert torch.equal(before.ids, after.ids)
    change = (before.picture - after.picture).abs().mean(-1)[0]
    mine = before.ids[0] == index
    assert float(change[mine].mean()) > 0.1
    assert float(change[~mine].mean()) < 0.02 * float(change[mine].mean())


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="cellar"):
        random_world(np.random.default_rng(0), family="cellar", ratio=1.0)


def test_renders_show_the_colours_that_they_name() -> None:
    worlds = [
        random_world(np.random.default_rng(s), family="living room", ratio=1.0, style="photo")
        for s in range(12)
    ]
    drawn = render_worlds(worlds, 48, 48)
    right = total = 0
    for i, world in enumerate(worlds):
        for index in visible_named(drawn.ids[i], len(world.named), 0.03):
            named = world.named[index]
            if named.colour and named.noun != "ceiling":
                mask = (drawn.ids[i] == index).numpy()
                total += 1
                right += named_colour(drawn.picture[i].numpy(), mask, world) == named.colour
    assert total > 20
    assert right / total > 0.85
