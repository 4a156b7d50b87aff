"""What a choice came to: the folders and files that are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Found:
    """`folder` of the model, or its single file; the same for the controls, by what they see, and the VAE.

    `loras` are files with their weights; `embeddings` is where the model's own learned words would be;
    `checked` says whether the model's safety checker is to look at pictures.
    """

    folder: Path
    controls: Mapping[str, Path] = field(default_factory=dict[str, Path])
    vae: Path | None = None
    loras: tuple[tuple[Path, float], ...] = ()
    clip_skip: int = 0
    embeddings: Path | None = None
    checked: bool = False
