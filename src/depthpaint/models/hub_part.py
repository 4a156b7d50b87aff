"""Weights on the Hugging Face hub: which, how much of them, and under which licence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CONFIGURATIONS = ("*.json", "*/*.json", "*.txt", "*/*.txt")
"""Texts: configurations, and the words of tokenizers."""


@dataclass(frozen=True, slots=True)
class HubPart:
    """One repository's share of a model.

    `weights` are patterns of its safetensors files, and nothing else but texts is fetched: never a pickle.
    `revision` is the commit that is taken, None for whatever "main" is; `sha256` are digests, hexadecimal, of
    files by their path in the repository, as far as they are known.
    """

    repository: str
    megabytes: int
    licence: str
    weights: tuple[str, ...] = ("*.safetensors", "*.safetensors.index.json")
    revision: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])

    def __hash__(self) -> int:
        return hash((self.repository, self.weights, self.revision))

    @property
    def patterns(self) -> list[str]:
        """What is fetched."""
        return [*CONFIGURATIONS, *self.weights]

    @property
    def page(self) -> str:
        """Where the weights and their licence are."""
        return f"{self.repository} at {(self.revision or 'main')[:10]}"
