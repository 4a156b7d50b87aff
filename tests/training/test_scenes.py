"""The renderer is held against geometry that is known, and its captions against its vocabulary."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from depthpaint.training.colour_score import named_colour
from depthpaint.training.dataset import HELD_OUT_SEED, normalised, scenes
from depthpaint.training.evaluate import held_out_scenes, named_surfaces
from depthpaint.training.scenes.caption import full_caption, varied_caption
from depthpaint.training.scenes.palette import COLOURS, GROUNDS, LIGHTS
from depthpaint.training.scenes.render import BACKDROP, FIRST_THING, FLOOR, render
from depthpaint.training.scenes.scene import Camera, Scene, Thing
from depthpaint.training.tokenizer import MAX_TOKENS, UNKNOWN, build_tokenizer

BALL = Thing("sphere", "red", False, x=0.0, z=5.0, radius=1.0, height=2.0, depth=1.0, turn=0.0)
LEVEL = Scene((BALL,), "blue", "yellow", False, 8.0, "noon", 0.3, 0.9, Camera(1.0, 0.0, 0.5))


def test_disparity_is_one_over_the_distance_along_the_view_axis() -> None:
    drawn = render([LEVEL], 128, 128)
    disparity, surfaces = drawn.disparity[0].numpy(), drawn.surfaces[0].numpy()
    middle = 64
    assert disparity[middle, middle] == pytest.approx(1 / 4.0, rel=2e-3), (
        "the ball's nearest point is 4 m away"
    )
    assert surfaces[middle, middle] == FIRST_THING
    assert disparity[2, 2] == pytest.approx(1 / 8.0, rel=1e-4), "the wall is 8 m away"
    assert surfaces[2, 2] == BACKDROP
    # Row v of a level camera 1 m above the floor meets it at z = 1 / (tangent * |v|).
    row = 127
    v = abs(1 - 2 * (row + 0.5 + 0.25) / 128)
    assert surfaces[row, 4] == FLOOR
    assert disparity[row, 4] == pytest.approx(0.5 * v, rel=2e-3)


@pytest.mark.parametrize("shape", ["sphere", "cube", "cylinder", "cone"])
def test_every_shape_stands_where_its_measures_say(shape: str) -> None:
    scene = replace(LEVEL, things=(replace(BALL, shape=shape, x=0.6, turn=0.5),))
    drawn = render([scene], 256, 256)
    rows, columns = np.nonzero(drawn.surfaces[0].numpy() == FIRST_THING)
    z = 1 / drawn.disparity[0].numpy()[rows, columns]
    u = 2 * (columns + 0.5) / 256 - 1
    v = 1 - 2 * (rows + 0.5) / 256
    x, y = u * 0.5 * z, 1.0 + v * 0.5 * z
    assert abs(x - 0.6).max() < 1.03 * math.sqrt(2 if shape == "cube" else 1)
    assert y.min() > -0.03
    assert y.max() < 2.03
    assert abs(z - 5.0).max() < 1.05 * math.sqrt(2 if shape == "cube" else 1)


def test_a_wrong_measure_is_noticed() -> None:
    near = render([replace(LEVEL, things=(replace(BALL, z=4.5),))], 64, 64).disparity
    assert float((near - render([LEVEL], 64, 64).disparity).abs().max()) > 0.02


def test_equal_seeds_give_equal_scenes_and_other_seeds_others() -> None:
    first, again, other = (list(scenes(seed, 16, 64, 64)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_a_scene_looks_the_same_alone_and_in_a_batch() -> None:
    group = next(iter(scenes(3, 16, 48, 48)))
    together = render(group, 48, 48).picture[5]
    assert torch.equal(together, render([group[5]], 48, 48).picture[0])


def test_captions_use_only_words_of_the_vocabulary_and_fit() -> None:
    tokenizer = build_tokenizer()
    unknown = tokenizer.token_to_id(UNKNOWN)
    rng = np.random.default_rng(0)
    seen: set[str] = set()
    for seed in range(40):
        for scene in next(iter(scenes(seed, 16, 64, 64))):
            every = tuple(range(len(scene.things)))
            for caption in (full_caption(scene, every), varied_caption(scene, every, rng)):
                encoding = tokenizer.encode(caption)
                assert unknown not in encoding.ids, caption
                assert not encoding.overflowing, caption
                assert len(encoding.ids) == MAX_TOKENS
                seen.update(caption.replace(",", "").split())
    assert {*COLOURS, "sphere", "ball", "box", "wooden", "sunset", "moonlight"} <= seen


def test_a_full_caption_names_everything() -> None:
    scene = replace(LEVEL, things=(BALL, replace(BALL, shape="cube", colour="pink", shiny=True, x=-2.0)))
    expected = "a shiny pink cube and a red sphere on a blue floor in front of a yellow wall, at noon"
    assert full_caption(scene, (0, 1)) == expected
    assert full_caption(scene, (0,)) == "a red sphere on a blue floor in front of a yellow wall, at noon"


def test_true_renders_have_the_colours_that_their_sentences_say() -> None:
    right = asked = 0
    for held in held_out_scenes(64):
        for _, colour, mask in named_surfaces(held.scene, held.surfaces):
            asked += 1
            right += named_colour(held.picture, mask, held.scene.light) == colour
    assert asked > 150
    assert right / asked >= 0.97


def test_the_colour_score_notices_a_wrong_colour() -> None:
    held = next(iter(held_out_scenes(1)))
    swapped = held.picture[..., ::-1]
    colours = [
        (named_colour(np.ascontiguousarray(swapped), mask, held.scene.light), colour)
        for _, colour, mask in named_surfaces(held.scene, held.surfaces)
    ]
    assert any(got != asked for got, asked in colours)


def test_a_twin_has_the_same_words_and_another_depth() -> None:
    for held in held_out_scenes(8):
        assert float(np.mean((held.picture - held.twin_picture) ** 2)) > 1e-3


def test_normalised_disparity_has_the_nearest_at_one() -> None:
    depth = normalised(render([LEVEL], 32, 32).disparity)
    assert float(depth.min()) == 0.0
    assert float(depth.max()) == 1.0


def test_every_light_and_ground_has_words() -> None:
    assert all(light.phrases for light in LIGHTS.values())
    assert all(ground.phrases and (ground.indoors or ground.outdoors) for ground in GROUNDS.values())
    assert HELD_OUT_SEED > 10_000
