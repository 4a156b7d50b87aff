"""Which words diorama knows, and which known ones are nearest to one it does not."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import cast

from tokenizers import Tokenizer

from depthpaint.models.painter import UnknownWord

MEANINGS = {
    "grey": "gray", "cyan": "turquoise", "teal": "turquoise", "violet": "purple", "magenta": "pink",
    "crimson": "red", "scarlet": "red", "golden": "yellow", "gold": "yellow", "azure": "blue",
    "navy": "blue", "beige": "sand", "silver": "gray", "lime": "green", "marble": "stone",
    "wood": "wooden", "globe": "sphere", "orb": "sphere", "block": "cube", "pillar": "cylinder",
    "column": "cylinder", "tube": "cylinder", "pyramid": "cone", "mountain": "cone", "mountains": "cone",
    "bedroom": "room", "kitchen": "room", "house": "cube", "cupboard": "cube", "snowy": "snow",
    "forest": "grass", "field": "meadow", "desert": "sand", "dusk": "sunset", "dawn": "sunset",
    "midnight": "night", "day": "daylight", "sunny": "daylight", "cloudy": "overcast", "wardrobe": "cube",
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
