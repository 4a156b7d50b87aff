"""Captions hold known words only, and a full one says what a score needs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from training.worlds.caption import full_caption, random_caption, visible_named
from training.worlds.families import random_world
from training.worlds.palette import COLOURS
from training.worlds.render import render_worlds
from training.worlds.words import MATERIALS, NOUNS, SYNONYMS, VOCABULARY

WORLDS = 100
MOST_TOKENS = 62


def test_every_word_of_two_thousand_captions_is_known() -> None:
    known = set(VOCABULARY)
    for seed in range(WORLDS):
        rng = np.random.default_rng(seed)
        world = random_world(rng, ratio=1.0)
        names = range(1, len(world.named))
        for _ in range(20):
            some = tuple(i for i in names if rng.random() < 0.5)
            text = random_caption(world, some, rng)
            assert text
            assert set(re.findall(r"[^\s,.]+|[,.]", text)) <= known, text
        text = full_caption(world, tuple(names))
        assert set(re.findall(r"[^\s,.]+|[,.]", text)) <= known, text
        assert len(re.findall(r"[^\s,.]+|[,.]", text)) <= MOST_TOKENS, text


def test_the_vocabulary_is_small_sorted_and_covers_the_reference_prompts() -> None:
    assert list(VOCABULARY) == sorted(set(VOCABULARY))
    assert len(VOCABULARY) <= 400
    asked = (
        "luxury bedroom interior luxurious bedroom interior beautiful snowy mountains beautiful landscape , "
        "mountains in the background house in the forest room with chair walls with cupboard"
    )
    assert set(asked.split()) <= set(VOCABULARY)
    assert set(SYNONYMS.values()) <= set(VOCABULARY)
    assert not set(SYNONYMS) & set(VOCABULARY)


def test_names_use_known_nouns_colours_and_materials() -> None:
    for seed in range(WORLDS):
        for named in random_world(np.random.default_rng(seed), ratio=1.0).named[1:]:
            assert named.noun in NOUNS
            assert named.colour is None or named.colour in COLOURS
            assert named.material is None or named.material in MATERIALS


@pytest.mark.parametrize("seed", [4, 5])
def test_a_full_caption_names_visible_colours(seed: int) -> None:
    world = random_world(np.random.default_rng(seed), family="things", ratio=1.0, style="photo")
    ids = render_worlds([world], 64, 64, depth_only=True).ids[0]
    visible = visible_named(ids, len(world.named))
    text = full_caption(world, visible)
    assert text == full_caption(world, visible)
    for index in visible:
        assert (world.named[index].colour or "") in text


def test_pale_styles_say_no_colour() -> None:
    for seed in range(12):
        world = random_world(np.random.default_rng(seed), ratio=1.0, style="pencil")
        text = full_caption(world, tuple(range(1, len(world.named))))
        assert not set(text.replace(",", "").split()) & set(COLOURS)
        assert text.startswith("pencil sketch of")
