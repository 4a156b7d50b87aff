"""Which textual inversions a sentence names: their files, found without torch and without reading them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from depthpaint.core.field_types import LEARNED_WORD
from depthpaint.core.files import sha256_of
from depthpaint.models.pickle_guard import refuse_pickle
from depthpaint.models.trees import SUFFIX, on_shelf
from depthpaint.models.weights import PICKLES

FOLDER = "embeddings"
# As the tokenizers are taught to find it (inversions.py): what is named is heard, and nothing else is.
_WORD = re.compile(rf"(?<![\w.-]){LEARNED_WORD}")


def embeddings_of(model: Path) -> Path:
    """Where a model's own learned words lie: in its folder, or beside its file."""
    return (model if model.is_dir() else model.parent) / FOLDER


def learned_in(prompt: str, own: Path | None) -> dict[str, str]:
    """The learned words of a sentence, each with the sha256 of its file, hexadecimal; raises the same."""
    return {file.stem: sha256_of(file) for file in inversions_in(prompt, own)}


def inversions_in(prompt: str, own: Path | None) -> list[Path]:
    """The files of the inversions that a sentence names, in the order of their first mention.

    They lie in the folder `own`, or in a model tree; ComfyUI's spelling `embedding:NAME` is read too. Raises
    ModelError pickle_refused, or where two have a name.
    """
    found: dict[Path, None] = {}
    for spelling in _WORD.findall(prompt):
        # The end of a sentence is not the end of a name.
        place = _place_of(spelling.rstrip(".-"), own)
        if place is not None:
            refuse_pickle(place)
            found[place] = None
    return list(found)


def _place_of(word: str, own: Path | None) -> Path | None:
    # Unlike Path's, it takes a name that is too long for what is not there.
    if own is not None and os.path.isfile(mine := own / f"{word}{SUFFIX}"):  # noqa: PTH113
        return mine
    place = on_shelf(word, "embedding")
    # A file that is called like the word from end to end has no suffix, or another's.
    is_one = place is not None and (place.name == f"{word}{SUFFIX}" or place.suffix.lower() in PICKLES)
    return place if is_one and place is not None and place.is_file() else None
