"""Which words diorama knows, and which known ones are nearest to one it does not."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import cast

from tokenizers import Tokenizer

from depthpaint.models.painter import UnknownWord

MEANINGS = {
    "azure": "blue", "navy": "blue", "silver": "gray", "lime": "green", "bronze": "brown", "copper": "orange",
    "globe": "sphere", "orb": "sphere", "block": "cube", "pillar": "cylinder", "column": "cylinder",
    "tube": "cylinder", "field": "meadow", "midnight": "night", "moon": "moonlight", "sun": "sunshine",
    "morning": "sunrise", "afternoon": "daylight", "rain": "overcast", "storm": "overcast",
    "blizzard": "snow", "villa": "house", "castle": "house", "church": "house", "skyscraper": "tower",
    "river": "lake", "pond": "lake", "island": "beach", "dune": "dunes", "cliff": "mountain", "rock": "stone",
    "valley": "mountains", "canyon": "mountains", "seat": "chair", "bench": "stool", "drawer": "cupboard",
    "fridge": "cupboard", "poster": "picture", "candle": "lamp", "mat": "rug", "bush": "tree", "palm": "tree",
    "flower": "plant", "rose": "plant", "cactus": "plant", "steel": "metal", "iron": "metal",
    "chrome": "metal", "crystal": "glass", "ceramic": "shiny", "plastic": "shiny", "cotton": "fabric",
    "silk": "velvet", "wool": "fabric", "plank": "wooden", "tile": "tiled",
}  # fmt: skip
"""Words that people write, and the known word nearest in meaning: only ever a suggestion."""


class Vocabulary:
    """diorama's tokenizer."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        self._counter = Tokenizer.from_file(str(path))
        self._counter.no_truncation()
        self._counter.no_padding()
        self._words = sorted(w for w in self._tokenizer.get_vocab() if re.fullmatch(r"[a-z]+", w))
        self._unknown = self._tokenizer.token_to_id("<|unknown|>")

    @property
    def words(self) -> list[str]:
        """Every word it knows, sorted."""
        return list(self._words)

    def encode(self, prompt: str) -> list[int]:
        """Token ids, always of the trained length: longer sentences are cut, shorter ones padded."""
        return self._tokenizer.encode(prompt).ids

    def too_long(self, prompt: str) -> int:
        """How many tokens of `prompt` do not fit."""
        return max(0, len(self._counter.encode(prompt).ids) - len(self.encode(prompt)))

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """The words of `prompt` that map to no token, not even through a synonym, each once, in order."""
        found: dict[str, UnknownWord] = {}
        read = str(self._tokenizer.normalizer.normalize_str(prompt))  # pyright: ignore
        for word in cast("list[str]", re.findall(r"[^\W_]+", read)):
            if word not in found and self._tokenizer.token_to_id(word) is None:
                alike = difflib.get_close_matches(word, self._words, n=3, cutoff=0.7)
                meant = [MEANINGS[word]] if word in MEANINGS else []
                found[word] = UnknownWord(word, tuple(dict.fromkeys([*meant, *alike]))[:3])
        return tuple(found.values())
