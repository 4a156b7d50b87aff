"""Where a named model, control or learned word lies: a path, a model tree, the hub's cache; is it whole?"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from depthpaint.core.errors import ErrorCode, ModelError, not_installed
from depthpaint.core.files import sha256_of
from depthpaint.core.setting import LEARNED_WORD
from depthpaint.models.hub import local_folder, require_pinned
from depthpaint.models.hub_files import INDEX, HubPart, part_named, require_sound_environment
from depthpaint.models.stable_diffusion.presets import Preset
from depthpaint.models.trees import SUFFIX, Shelf, on_shelf
from depthpaint.models.weights import PICKLES, refuse_pickle, require_whole

PACKAGES = ("torch", "diffusers", "transformers", "huggingface_hub", "compel")
OTHERWISE = "name a copied folder instead"
_NOUNS: dict[Shelf, str] = {
    "model": "model", "control": "control network", "lora": "LoRA", "vae": "autoencoder",
    "embedding": "embedding",
}  # fmt: skip


def place_of(name: str, shelf: Shelf) -> Path | None:
    """The file or folder that `name` names; None where nothing has the name.

    Raises ModelError offline_missing for a hub id that is not in the cache, pickle_refused for a pickle, and
    model_not_found where a tree holds several of the name.
    """
    place = Path(name) if _exists(name) else on_shelf(name, shelf)
    if place is None and (part := part_named(name)) is not None:
        place = in_cache(part)
        if shelf == "lora":
            place = _only_file(place)
    if place is not None:
        refuse_pickle(place)
    return place


def named(name: str, shelf: Shelf) -> Path:
    """The same, for what must be there. Raises ModelError model_not_found."""
    place = place_of(name, shelf)
    if place is None:
        raise ModelError(
            f"there is no {_NOUNS[shelf]} '{name}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="name a folder, a .safetensors file, one in a tree of DEPTHPAINT_MODELS, or a hub id",
            value=name,
        )
    return place


def in_cache(part: HubPart, preset: Preset | None = None) -> Path:
    """Where a part lies in the hub's cache. Raises ModelError offline_missing, model_incompatible."""
    what = f"the model {part.name if preset is None else preset.habits.name}"
    try:
        return local_folder(what, part, OTHERWISE)
    except ModuleNotFoundError as error:
        raise needs_sd(error) from error


def needs_sd(error: ModuleNotFoundError) -> ModelError:
    """The error for a package that the extra `sd` brings."""
    return not_installed(ModelError, error, "Stable Diffusion", "sd")


def require_extra() -> None:
    """Raise ModelError where a package that painting needs is not installed; none is imported."""
    for name in PACKAGES:
        if find_spec(name) is None:
            raise needs_sd(ModuleNotFoundError(name=name))


def display_name(said: str, place: Path) -> str:
    """What a model is called in records: never a path, which would name a person's folders."""
    on_hub = part_named(said) is not None and not _exists(said) and (place / INDEX).exists()
    return said if on_hub else (place.stem if place.is_file() else place.resolve().name)


def _only_file(folder: Path) -> Path:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) == 1:
        return files[0]
    raise ModelError(
        f"{folder} holds {len(files)} files of weights, and a LoRA is one",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="name the file by its path",
        value=str(folder),
    )


def _exists(name: str) -> bool:
    # Unlike Path's, it takes a name that is too long for what is not there.
    return os.path.exists(name)  # noqa: PTH110


@dataclass(frozen=True, slots=True)
class Checked:
    """A model's files, how many were looked at: all whole, not all there, or damaged and `why`."""

    name: str
    state: Literal["whole", "missing", "damaged"]
    why: str = ""
    files: int = 0


def check(name: str, parts: Sequence[HubPart]) -> Checked:
    """Look at every weights file of `parts`; raises ModelError where the extra `sd` is missing."""
    files = 0
    try:
        for part in parts:
            folder = in_cache(part)
            for file in sorted(folder.rglob("*.safetensors")):
                require_whole(file)
                files += 1
            require_pinned(folder, part)
    except ModelError as error:
        if error.code is ErrorCode.OFFLINE_MISSING:
            return Checked(name, "missing")
        if error.code is ErrorCode.MODEL_INCOMPATIBLE:
            raise
        return Checked(name, "damaged", str(error), files)
    return Checked(name, "whole", files=files)


def is_here(parts: Sequence[HubPart]) -> bool:
    """Whether all of `parts` are in the hub's cache; without the extra `sd`, none is."""
    require_sound_environment()
    try:
        from huggingface_hub.constants import HF_HUB_CACHE
    except ModuleNotFoundError:
        return False
    # The library's own look takes a third of a second to import, which a list does not need without a cache.
    folders = [Path(HF_HUB_CACHE) / f"models--{part.repository.replace('/', '--')}" for part in parts]
    try:
        return all(folder.is_dir() for folder in folders) and all(in_cache(part).is_dir() for part in parts)
    except ModelError:
        return False


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
