"""Where the thing lies that a person names: a path, a name in a model tree, or a hub id in the cache."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.hub import local_folder
from depthpaint.models.hub_listing import INDEX
from depthpaint.models.hub_name import part_named
from depthpaint.models.hub_part import HubPart
from depthpaint.models.pickle_guard import refuse_pickle
from depthpaint.models.stable_diffusion.preset import Preset
from depthpaint.models.trees import Shelf, on_shelf

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
        raise needs_extra(error) from error


def needs_extra(error: ModuleNotFoundError) -> ModelError:
    """The error for a package that the extra `sd` brings; what is depthpaint's own is raised again."""
    if (error.name or "").startswith("depthpaint"):
        raise error
    return ModelError(
        f"Stable Diffusion needs {error.name}, which is not installed",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="pip install 'depthpaint[sd]'",
        value=error.name,
    )


def require_extra() -> None:
    """Raise ModelError where a package that painting needs is not installed; none is imported."""
    for name in PACKAGES:
        if find_spec(name) is None:
            raise needs_extra(ModuleNotFoundError(name=name))


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
