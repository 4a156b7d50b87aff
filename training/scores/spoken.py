"""Which named things a full caption describes so that nothing else can be meant."""

from __future__ import annotations

import re

from training.scores.held_out import HeldOut
from training.worlds.words import MATERIALS, NOUNS, plural
from training.worlds.world import Named


def spoken(asked: HeldOut) -> list[int]:
    """Names that the caption speaks of with all their words, and whose noun no other visible thing bears.

    Of a red chair beside a blue chair nobody can tell which should be which.
    """
    nouns = [asked.world.named[i].noun for i in asked.visible]
    return [
        i
        for i in asked.visible
        if nouns.count(asked.world.named[i].noun) == 1
        and re.search(rf"\b{re.escape(words_of(asked.world.named[i]))}\b", asked.caption)
    ]


def words_of(named: Named) -> str:
    """Colour, material and noun as a full caption says them."""
    noun = NOUNS[named.noun][0]
    words = (named.colour, MATERIALS.get(named.material or "", ""), plural(noun) if named.many else noun)
    return " ".join(word for word in words if word)
