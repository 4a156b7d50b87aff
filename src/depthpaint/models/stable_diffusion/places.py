"""Where a named model, control or textual inversion is: a path, a model tree, or the hub's cache."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError, not_installed
from depthpaint.core.files import sha256_of
from depthpaint.core.setting import INVERSION_NAME
from depthpaint.models.hub import OTHERWISE, local_folder
from depthpaint.models.hub_files import INDEX, HubPart, part_named
from depthpaint.models.stable_diffusion.presets import Preset
from depthpaint.models.trees import SUFFIX, Shelf, on_shelf
from depthpaint.models.weights import PICKLES, refuse_pickle

PACKAGES = ("torch", "diffusers", "transformers", "huggingface_hub", "compel")
_NOUNS: dict[Shelf, str] = {
    "model": "model", "control": "control network", "lora": "LoRA", "vae": "autoencoder",
    "embedding": "embedding",
}  # fmt: skip


def place_of(name: str, shelf: Shelf) -> Path | None:
    """The file or folder that `name` names; None if there is none.

    Raises ModelError offline_missing for a hub id that is not in the cache, pickle_refused for a pickle, and
    model_not_found if a tree contains several of that name.
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
    """As `place_of`, but raises ModelError model_not_found if there is none."""
    place = place_of(name, shelf)
    if place is None:
        raise ModelError(
            f"there is no {_NOUNS[shelf]} '{name}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="give a folder, a .safetensors file, one in a tree of DEPTHPAINT_MODELS, or a hub id",
            value=name,
        )
    return place


def in_cache(part: HubPart, preset: Preset | None = None) -> Path:
    """The folder of a part in the hub's cache. Raises ModelError offline_missing, model_incompatible."""
    what = f"the model {part.name if preset is None else preset.habits.name}"
    try:
        return local_folder(what, part, OTHERWISE)
    except ModuleNotFoundError as error:
        raise needs_sd(error) from error


def needs_sd(error: ModuleNotFoundError) -> ModelError:
    """The error for a missing package of the extra `sd`."""
    return not_installed(ModelError, error, "Stable Diffusion", "sd")


def require_extra() -> None:
    """Raise ModelError if a package needed for painting is not installed; imports none."""
    for name in PACKAGES:
        if find_spec(name) is None:
            raise needs_sd(ModuleNotFoundError(name=name))


def display_name(given: str, place: Path) -> str:
    """The name of a model in records: never a path, which would reveal a user's folders."""
    on_hub = part_named(given) is not None and not _exists(given) and (place / INDEX).exists()
    return given if on_hub else (place.stem if place.is_file() else place.resolve().name)


def _only_file(folder: Path) -> Path:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) == 1:
        return files[0]
    raise ModelError(
        f"{folder} contains {len(files)} weight files, but a LoRA is one file",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="give the path of the file",
        value=str(folder),
    )


def _exists(name: str) -> bool:
    # Unlike Path.exists, it returns False for a name that is too long.
    return os.path.exists(name)  # noqa: PTH110


FOLDER = "embeddings"
# The same rule as for the tokenizers (inversions.py), so that exactly the named inversions are used.
_WORD = re.compile(rf"(?<![\w.-]){INVERSION_NAME}")


def embeddings_of(model: Path) -> Path:
    """The folder of a model's own textual inversions: inside its folder, or beside its file."""
    return (model if model.is_dir() else model.parent) / FOLDER


def inversion_digests(prompt: str, own: Path | None) -> dict[str, str]:
    """The textual inversions in a prompt, each with the sha256 of its file, hexadecimal; raises the same."""
    return {file.stem: sha256_of(file) for file in inversions_in(prompt, own)}


def inversions_in(prompt: str, own: Path | None) -> list[Path]:
    """The files of the textual inversions in a prompt, in the order of their first mention.

    They are in the folder `own`, or in a model tree; ComfyUI's spelling `embedding:NAME` is accepted too.
    Raises ModelError pickle_refused, or if two files have a name.
    """
    files: dict[Path, None] = {}
    for spelling in _WORD.findall(prompt):
        # A final full stop may belong to the prompt or to the name.
        place = _place_of(spelling.rstrip(".-"), own)
        if place is not None:
            refuse_pickle(place)
            files[place] = None
    return list(files)


def _place_of(word: str, own: Path | None) -> Path | None:
    # Unlike Path.is_file, it returns False for a name that is too long.
    if own is not None and os.path.isfile(mine := own / f"{word}{SUFFIX}"):  # noqa: PTH113
        return mine
    place = on_shelf(word, "embedding")
    # The full name may lack a suffix, or have another one.
    is_one = place is not None and (place.name == f"{word}{SUFFIX}" or place.suffix.lower() in PICKLES)
    return place if is_one and place is not None and place.is_file() else None
