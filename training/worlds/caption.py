"""The sentence that describes a world: all that decides its look, or the part a person would mention."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from training.worlds.words import (
    LIGHTS,
    MATERIALS,
    MOODS,
    NOUNS,
    PLACES,
    PRAISE,
    SEASONS,
    STYLE_TAGS,
    STYLES,
    UNCOUNTED,
    plural,
)
from training.worlds.world import Named, World

LEAST_AREA = 0.006
MOST_NAMED = 8
"""A full caption stops here: longer ones would not fit the text encoder."""

PALE = ("clay", "pencil")
"""Styles that show neither colour nor light."""


def visible_named(ids: Tensor, count: int, least: float = LEAST_AREA) -> tuple[int, ...]:
    """The names, of `count`, that fill at least `least` of one world's ids (H, W); largest first."""
    area = torch.bincount(ids.reshape(-1).to(torch.int64), minlength=count)[1:count].double() / ids.numel()
    order: list[int] = area.argsort(descending=True, stable=True).tolist()
    return tuple(i + 1 for i in order if float(area[i]) >= least)


def full_caption(world: World, visible: tuple[int, ...]) -> str:
    """Style, place, main things and surfaces with colour and material, season, light: for scores."""
    return _Speaker(world, np.random.default_rng(0), everything=True).sentence(visible)


def random_caption(world: World, visible: tuple[int, ...], rng: np.random.Generator) -> str:
    """A caption as people write them, long or short, a sentence or a list; what is left out may vary."""
    speaker = _Speaker(world, rng, everything=False)
    kind = rng.random()
    if kind < 0.22:
        return speaker.headline(visible)
    if kind < 0.45:
        return speaker.tags(visible)
    return speaker.sentence(visible)


def article(words: str) -> str:
    """The words with a or an before them."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


class _Speaker:
    """Chooses words for one world."""

    def __init__(self, world: World, rng: np.random.Generator, *, everything: bool) -> None:
        self.world = world
        self.rng = rng
        self.everything = everything
        # One speaker leaves out much, another little.
        self.talkative = 1.0 if everything else float(rng.uniform(0.25, 1.0))

    def keep(self, share: float = 1.0) -> bool:
        return self.everything or self.rng.random() < share * self.talkative

    def word(self, options: tuple[str, ...]) -> str:
        return options[0] if self.everything else options[int(self.rng.integers(len(options)))]

    def thing(self, named: Named, *, bare: bool = False) -> str:
        """Colour, material and noun, with an article where one belongs."""
        noun = self.word(NOUNS[named.noun])
        words: list[str] = []
        if not bare and named.colour and (self.everything or self.rng.random() < 0.5 + 0.5 * self.talkative):
            words.append(named.colour)
        if not bare and named.material and MATERIALS[named.material] and self.keep(1.1):
            words.append(MATERIALS[named.material])
        words.append(plural(noun) if named.many else noun)
        text = " ".join(words)
        return text if named.many or noun in UNCOUNTED else article(text)

    def place(self) -> str:
        """Mood and place, without an article."""
        world = self.world
        known = PLACES.get(
            world.place if world.place in PLACES and world.family == "street" else world.family
        )
        options = known or PLACES[{"landscape": "outdoors"}.get(world.place, world.place)]
        mood = (
            self.word(MOODS[world.mood])
            if world.mood and (self.everything or self.rng.random() < 0.8)
            else ""
        )
        praise = self.word(PRAISE) if not self.everything and self.rng.random() < 0.2 else ""
        return " ".join(w for w in (praise, mood, self.word(options)) if w)

    def light(self) -> str:
        world = self.world
        return "" if world.style in PALE else self.word(LIGHTS[world.lighting])

    def season(self) -> str:
        world = self.world
        return self.word(SEASONS[world.season]) if world.season and world.style not in PALE else ""

    def style(self) -> str:
        if self.everything or self.rng.random() < (0.35 if self.world.style == "photo" else 0.95):
            return self.word(STYLES[self.world.style])
        return ""

    def chosen(self, visible: tuple[int, ...]) -> tuple[list[Named], list[Named]]:
        """Things and surfaces to speak of, largest first."""
        named = [self.world.named[i] for i in visible]
        rank = {"thing": 0.95, "surface": 0.8, "detail": 0.5}
        if self.everything:
            firm = [n for n in named if n.where != "detail"]
            firm += [n for n in named if n.where == "detail"][: max(0, MOST_NAMED - len(firm))]
            named = [n for n in named if n in firm][:MOST_NAMED]
        else:
            named = [n for n in named if self.keep(rank[n.where])]
        return [n for n in named if n.where != "surface"], [n for n in named if n.where == "surface"]

    @staticmethod
    def told(text: str, place: str) -> bool:
        """Whether the place's own words say this already."""
        return text.removeprefix("a ").removeprefix("an ") in place

    def headline(self, visible: tuple[int, ...]) -> str:
        """A few words: the place, or one thing in it, perhaps the light."""
        things, _ = self.chosen(visible)
        text = self.place()
        if things and (
            self.world.family in ("things", "chair room", "cupboard wall") or self.rng.random() < 0.4
        ):
            main = self.thing(things[0], bare=self.rng.random() < 0.5)
            text = main if self.world.family == "things" else f"{text} with {_unarticled(self.rng, main)}"
        parts = [text, *(p for p in (self.season(), self.light()) if p and self.rng.random() < 0.3)]
        return " ".join(w for w in (self.style(), " ".join(parts)) if w)

    def tags(self, visible: tuple[int, ...]) -> str:
        """Words between commas."""
        things, surfaces = self.chosen(visible)
        parts = list(dict.fromkeys(_unarticled(self.rng, self.thing(n), 0.9) for n in (*things, *surfaces)))
        self.rng.shuffle(parts)
        parts = [self.place(), *parts] if self.world.family != "things" or not parts else parts
        parts += [p for p in (self.season(), self.light()) if p and self.keep(0.7)]
        if self.world.style != "photo" or self.rng.random() < 0.2:
            tag = self.word(STYLE_TAGS[self.world.style])
            parts = [tag, *parts] if self.rng.random() < 0.6 else [*parts, tag]
        return ", ".join(parts)

    def sentence(self, visible: tuple[int, ...]) -> str:
        """The style, the place with its things, the surfaces, season and light."""
        things, surfaces = self.chosen(visible)
        if not self.everything and self.rng.random() < 0.3:
            self.rng.shuffle(things)  # type: ignore[arg-type]
        # The place names what it is about; what is said of that thing again only adds its colour.
        place = self.place()
        listed = list(dict.fromkeys(t for t in (self.thing(n) for n in things) if not self.told(t, place)))
        start = "" if self.world.family == "things" and listed else _placed(place, self.everything, self.rng)
        if listed and start:
            start += f" with {_joined(listed)}"
        elif listed:
            start = _joined(listed)
        grounds = [t for t in (self.thing(n) for n in surfaces) if not self.told(t, place)]
        if grounds:
            lone = self.world.family == "things"
            link = self.word(("on", "on", "in front of") if lone and len(grounds) == 1 else (",", ", with"))
            start += f"{'' if link.startswith(',') else ' '}{link} {_joined(grounds)}"
        parts = [p for p, share in ((self.season(), 0.6), (self.light(), 0.8)) if p and self.keep(share)]
        text = (
            ", ".join([start, *parts])
            if self.everything or self.rng.random() < 0.5
            else " ".join([start, *parts])
        )
        return " ".join(w for w in (self.style(), text) if w)


def _placed(place: str, everything: bool, rng: np.random.Generator) -> str:
    counted = not place.split(",")[0].split(" with ")[0].split(" in ")[0].endswith(("s", "outdoors"))
    return article(place) if counted and (everything or rng.random() < 0.7) else place


def _unarticled(rng: np.random.Generator, text: str, share: float = 0.5) -> str:
    first, _, rest = text.partition(" ")
    return rest if first in ("a", "an") and rng.random() < share else text


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
