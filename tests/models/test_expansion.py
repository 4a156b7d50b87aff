"""What a short prompt leaves open is added: the same for the same seed, nothing that the prompt states."""

from __future__ import annotations

import pytest

from depthpaint.models.diorama.files import FOLDER
from depthpaint.models.diorama.painter import Vocabulary
from depthpaint.models.diorama.schemes import COLOURS, SCENES, SEASONS, THING, expanded
from training.worlds.words import PLACES

SEED = 12345
SEEDS = range(60)
NO_SCENE = frozenset(
    "a an and at background bar beautiful before behind beside by clay cosy cozy day drawing empty "
    "fabric front glass ground in life lovely luxurious luxury model modern near nice of on painting "
    "paintings pencil photo picture pictures range realistic rolling shiny simple sketch snowy soft "
    "still the under velvet view warm watercolor watercolour with living".split()
)
LIGHT = frozenset(
    "bright clouds cloudy daylight evening fog foggy light mist misty moonlight night noon overcast "
    "sky stars sunny sunrise sunset sunshine".split()
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(FOLDER / "tokenizer.json")


def test_a_bedroom_gets_colours_and_keeps_its_words() -> None:
    painted = expanded("luxury bedroom interior", SEED)
    assert painted.startswith("luxury bedroom interior, ")
    assert all(noun in painted for noun in (" bed", " pillows", " wall", " floor"))
    assert painted == expanded("luxury bedroom interior", SEED)


@pytest.mark.parametrize("words", SCENES)
def test_seeds_draw_every_scheme_of_a_scene(words: str) -> None:
    word = words.split("|")[0]
    assert len({expanded(f"a {word}", seed) for seed in range(200)}) == len(set(SCENES[words]))


@pytest.mark.parametrize("place", sorted({place for places in PLACES.values() for place in places}))
def test_every_place_that_diorama_was_trained_on_has_schemes(place: str) -> None:
    for seed in SEEDS:
        assert expanded(f"beautiful {place}", seed) != f"beautiful {place}"


def test_every_word_for_a_scene_or_a_thing_has_schemes(vocabulary: Vocabulary) -> None:
    seasons = "|".join(SEASONS.values()).split("|")
    others = NO_SCENE | LIGHT | {*COLOURS} | {*seasons} - {"snow"}
    alone = [word for word in vocabulary.words if expanded(word, SEED) == word]
    assert [word for word in alone if word not in others] == []


@pytest.mark.parametrize(
    "prompt",
    [
        "a bedroom with a red bed, black pillows, a white wall and a wooden floor",
        "a red sphere and a blue cube",
        "a bedroom, pencil sketch",
        "a clay model of a house",
        "a house in the forest with orange trees, a turquoise house and a brown roof, in autumn, in fog",
        "눈 덮인 산",
        "",
    ],
)
def test_what_needs_nothing_stays_as_it_is(prompt: str) -> None:
    assert all(expanded(prompt, seed) == prompt for seed in SEEDS)


@pytest.mark.parametrize(
    ("prompt", "never", "always"),
    [
        ("a room with a red armchair", "chair", " wall"),
        ("a room, the walls are pink", "wall", " floor"),
        ("walls with cupboard", "chair", " cupboard"),
        ("mountains at night", "day", " in "),
        ("House in the forest in winter", "green", " house"),
        ("a snowy forest", "summer", "white trees"),
        ("a forest in autumn, in fog", "sunny", " trees"),
        ("a beach in winter", "summer", ""),
        ("Beautiful snowy mountains", "gray", " in "),
        ("a white house", "house", " roof"),
        ("a living room with a blue couch", "sofa", " floor"),
    ],
)
def test_nothing_is_added_that_the_prompt_states(prompt: str, never: str, always: str) -> None:
    for seed in SEEDS:
        added = expanded(prompt, seed).removeprefix(prompt)
        assert never not in added and always in added


def test_a_thing_has_the_word_of_the_prompt() -> None:
    assert expanded("an empty wardrobe", SEED).split(", ")[1].endswith(" wardrobe")
    assert (
        " vases" in expanded("vases", SEED).removeprefix("vases")
        and " a " not in expanded("vases", SEED)[:12]
    )


def test_diorama_knows_every_word_that_is_added(vocabulary: Vocabulary) -> None:
    words = {
        word for schemes in SCENES.values() for scheme in schemes for word in scheme.replace(",", "").split()
    }
    assert vocabulary.unknown_words(" ".join(words - {THING})) == ()
    for names in SCENES:
        for name in names.split("|"):
            assert all(vocabulary.too_long(expanded(f"a luxurious {name}", seed)) == 0 for seed in SEEDS)


@pytest.mark.parametrize(
    ("prompt", "not_added"),
    [
        ("a house at dusk", ("sunny", "sky", "noon")),
        ("a house in the rain", ("sunny", "sky", "noon")),
        ("a house on a stormy morning", ("sunny", "sky", "noon")),
        ("a house painted blue", ("house",)),
        ("a house, which is painted red", ("house",)),
        ("a house without trees", ("trees",)),
        ("a b&w photo of a house", ("",)),
        ("a black-and-white house", ("",)),
        ("a charcoal drawing of a house", ("",)),
    ],
)
def test_what_is_added_contradicts_nothing(prompt: str, not_added: tuple[str, ...]) -> None:
    for seed in range(40):
        added = expanded(prompt, seed).removeprefix(prompt)
        assert added == "" if not_added == ("",) else not any(word in added for word in not_added), added


def test_a_long_prompt_is_expanded_at_once() -> None:
    assert expanded("bed " * 2500, 1).startswith("bed bed")
