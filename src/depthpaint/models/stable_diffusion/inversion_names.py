"""Which textual inversions a sentence names: their files, found without torch and without reading them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from depthpaint.models.pickle_guard import refuse_pickle
from depthpaint.models.trees import SUFFIX, on_shelf

FOLDER = "embeddings"
_WORD = re.compile(r"\w[\w.-]*")


def inversions_in(prompt: str, model: Path) -> list[Path]:
    """The files of the inversions that a sentence names, in the order of their first mention.

    They lie in the folder `embeddings` in the model's folder (beside its file), or in a model tree; ComfyUI's
    spelling `embedding:NAME` is read too. Raises ModelError pickle_refused, or where two have a name.
    """
    beside = (model if model.is_dir() else model.parent) / FOLDER
    found: dict[Path, None] = {}
    for spelling in _WORD.findall(prompt):
        # The end of a sentence is not the end of a name.
        word = spelling.rstrip(".-")
        mine = beside / f"{word}{SUFFIX}"
        # Unlike Path's, it takes a name that is too long for what is not there.
        is_mine = os.path.isfile(mine)  # noqa: PTH113
        place = mine if is_mine else on_shelf(word, "embedding")
        if place is not None and place.is_file():
            refuse_pickle(place)
            found[place] = None
    return list(found)
