"""What a short sentence leaves open is said for it: the same for the same seed, and nothing that was said."""

from __future__ import annotations

import pytest

from depthpaint.models.diorama.family import COLOURS, PARTS, SCENES, SCHEMES, TIMES, expanded
from depthpaint.models.diorama.files import FOLDER
from depthpaint.models.diorama.painter import Vocabulary

SEED = 12345


def test_a_bedroom_gets_colours_and_keeps_its_words() -> None:
    told = expanded("luxury bedroom interior", SEED)
    assert told.startswith("luxury bedroom interior, ")
    assert all(noun in told for noun in (" bed", " pillows", " wall", " floor"))
    assert told == expanded("luxury bedroom interior", SEED)


def test_seeds_draw_different_schemes_and_all_of_them() -> None:
    told = {expanded("a bedroom", seed) for seed in range(200)}
    assert len(told) == len(SCHEMES)


@pytest.mark.parametrize(
    ("prompt", "kept"),
    [
        ("a bedroom with a red bed, black pillows, a white wall and a wooden floor", True),
        ("a red sphere and a blue cube", True),
        ("a bedroom, pencil sketch", True),
        ("a clay model of a house", True),
        ("beautiful snowy mountains", True),
        ("mountains at night", True),
        ("눈 덮인 산", True),
        ("", True),
        ("a room with a red armchair", False),
        ("beautiful landscape, mountains in the background", False),
    ],
)
def test_what_is_said_stays_as_it_is(prompt: str, kept: bool) -> None:
    assert (expanded(prompt, SEED) == prompt) is kept


def test_only_what_has_no_colour_is_added() -> None:
    told = expanded("a room with a red armchair", SEED)
    assert "chair," not in told.removeprefix("a room with a red armchair,")
    assert " wall" in told and " floor" in told
    house = expanded("House in the forest", SEED)
    assert "green trees" in house and " roof" in house and any(time in house for time in TIMES)
    assert " wall" in expanded("walls with cupboard", SEED), "a bare noun says no colour"


def test_diorama_knows_every_word_that_is_added() -> None:
    vocabulary = Vocabulary(FOLDER / "tokenizer.json")
    words = " ".join(
        [*SCHEMES, *TIMES, *(slot.noun for _, slots in SCENES for slot in slots), "green pillows trees"]
    )
    assert vocabulary.unknown_words(words) == ()
    for (first, *_), _slots in SCENES:
        for seed in range(40):
            assert vocabulary.too_long(expanded(f"a luxurious {first}", seed)) == 0
    assert all(len(scheme.split()) == len(PARTS) for scheme in SCHEMES)
    assert {word for scheme in SCHEMES for word in scheme.split()} <= set(COLOURS)


def test_a_colour_that_comes_with_the_second_mention_is_heard() -> None:
    prompt = "a house in the forest with orange trees, a turquoise house and a brown roof, in autumn"
    assert expanded(prompt, 12345) == prompt
