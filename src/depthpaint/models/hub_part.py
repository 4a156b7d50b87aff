"""Weights on the Hugging Face hub: which, how much of them, and under which licence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_COMMIT = re.compile("[0-9a-f]{40}")
CONFIGURATIONS = ("*.json", "*.txt")
"""Texts: configurations, and the words of tokenizers; the hub's `*` goes into folders, too."""


@dataclass(frozen=True, slots=True)
class HubPart:
    """One repository's share of a model.

    `weights` are names or patterns of its safetensors files, and nothing else but texts is fetched: never a
    pickle. All of them are below `subfolder`. `revision` is the commit, tag or branch that is taken, None for
    whatever "main" is; `sha256` are digests, hexadecimal, of files by their path below `subfolder`, as far as
    they are known. A LoRA is not `configured`: it comes without a config.json; without `weights` only texts
    are meant.
    """

    repository: str
    megabytes: int
    licence: str
    weights: tuple[str, ...] = ("*.safetensors", "*.safetensors.index.json")
    revision: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    subfolder: str = ""
    configured: bool = True

    def __hash__(self) -> int:
        return hash((self.repository, self.weights, self.revision, self.subfolder))

    @property
    def patterns(self) -> list[str]:
        """What is fetched."""
        texts = CONFIGURATIONS if self.configured else ()
        return [f"{self.subfolder}/{name}" if self.subfolder else name for name in (*texts, *self.weights)]

    @property
    def name(self) -> str:
        """What people call it: its repository, and after an @ the revision that it is pinned to."""
        return self.repository if self.revision is None else f"{self.repository}@{self.revision}"

    @property
    def page(self) -> str:
        """Where the weights and their licence are."""
        revision = self.revision or "main"
        return f"{self.repository} at {revision[:10] if _COMMIT.fullmatch(revision) else revision}"

    def missing_in(self, folder: Path) -> str:
        """The first thing that `folder` lacks of it, "" where it is whole.

        That is every file which is named, one that a pattern means, and a configuration.
        """
        if self.configured and not any(file.is_file() for file in folder.rglob("*.json")):
            return "config.json"
        for name in self.weights:
            if "*" not in name and not (folder / name).is_file():
                return name
        patterns = [name for name in self.weights if "*" in name]
        found = any(file.is_file() for name in patterns for file in folder.rglob(name))
        return "" if found or not patterns else patterns[0]


CLIP_WORDS = HubPart("openai/clip-vit-large-patch14", 6, "MIT", ())
"""The tokenizer for checkpoints in one file, which bring none: the texts of this repository alone."""
