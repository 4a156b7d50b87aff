"""Where a named model, control or textual inversion is: a path, a model tree, or the hub's cache.

Model trees are those of ComfyUI and of the AUTOMATIC1111 web UI, with extra_model_paths.yaml, used in place.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from depthpaint.core.errors import ErrorCode, ModelError, not_installed, require_packages
from depthpaint.core.files import expanded, sha256_of
from depthpaint.core.setting import INVERSION_NAME
from depthpaint.models.hub import OTHERWISE, local_folder
from depthpaint.models.hub_files import INDEX, HubPart, part_named
from depthpaint.models.stable_diffusion.presets import Preset
from depthpaint.models.weights import PICKLES, refuse_pickle

BASE, DEFAULT = "base_path", "is_default"
OLD_NAMES = {"unet": "diffusion_models"}
"""Folder names that ComfyUI has since renamed; it reads both."""
LONGEST = 100_000
"""The longest file, in characters; such files have a few thousand."""


def folders_in(file: Path) -> tuple[tuple[str, Path], ...]:
    """The folders that a file lists, each with its kind (checkpoints, loras, ...), in the file's order.

    Each group of the file has its `base_path`; relative paths start there, or at the file. Raises ModelError
    model_not_found for a file that is not of this kind, model_incompatible without a YAML reader.
    """
    try:
        with file.open(encoding="utf-8") as stream:
            text = stream.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(file, "it is not readable text") from error
    if len(text) > LONGEST:
        raise _unreadable(file, f"it is longer than {LONGEST:,} characters")
    return _folders(file.absolute(), text)


@lru_cache(maxsize=16)
def _folders(file: Path, text: str) -> tuple[tuple[str, Path], ...]:
    groups = _object(file, "it", _parsed(file, text))
    folders: list[tuple[str, Path]] = []
    for name, group in groups.items():
        if group is None:
            continue
        entries = _object(file, f"its {name}", group)
        base = file.parent / _expanded(_text(file, BASE, entries.get(BASE) or ""))
        for kind, lines in entries.items():
            if kind in (BASE, DEFAULT) or lines is None:
                continue
            places = [line.strip() for line in _text(file, kind, lines).splitlines()]
            folders += [(OLD_NAMES.get(kind, kind), base / _expanded(place)) for place in places if place]
    return tuple(folders)


def _parsed(file: Path, text: str) -> object:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise not_installed(ModelError, error, f"reading {file.name}", "sd") from error
    try:
        return yaml.safe_load(text)
    # Invalid dates raise a ValueError, unclosed nesting a RecursionError.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(file, "it is not YAML") from error


def _object(file: Path, what: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unreadable(file, f"{what[:60]} does not contain names with folders")
    return {str(name): each for name, each in cast("dict[object, Any]", value).items()}


def _text(file: Path, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _unreadable(file, f"its {name[:60]} is not a folder")
    return value


def _expanded(place: str) -> Path:
    return expanded(os.path.expandvars(place))


def _unreadable(file: Path, why: str) -> ModelError:
    return ModelError(
        f"{file} is not a list of model folders like ComfyUI's extra_model_paths.yaml: {why}",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy="fix it, or remove it from DEPTHPAINT_MODELS",
        value=str(file),
    )


Shelf = Literal["model", "control", "lora", "vae", "embedding"]
VARIABLE = "DEPTHPAINT_MODELS"
SUFFIX = ".safetensors"
SHELVES: dict[Shelf, tuple[str, ...]] = {
    "model": ("checkpoints", "diffusion_models", "diffusers", "Stable-diffusion"),
    "control": ("controlnet", "t2i_adapter", "ControlNet"),
    "lora": ("loras", "Lora"),
    "vae": ("vae", "VAE"),
    "embedding": ("embeddings",),
}
"""The folders of each kind, in a tree or in its folder `models`: ComfyUI's names, then the web UI's."""


def on_shelf(name: str, shelf: Shelf) -> Path | None:
    """The file, or the folder in diffusers' layout, of that name, with or without its suffix; else None.

    A name may contain subfolders of the shelf, but not leave it. Pickles are found as well, to be rejected.
    Raises ModelError if a name leaves the shelf, or two files have it.
    """
    shelves = _shelves(shelf)
    wanted = Path(name)
    if not shelves or wanted.is_absolute() or wanted.drive:
        return None
    if ".." in wanted.parts:
        raise ModelError(
            f"'{name}' points outside the model trees",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="give a name inside them, or an absolute path",
            value=name,
        )
    files = _named(shelves, name, ("", SUFFIX)) or _named(shelves, name, PICKLES)
    if len(files) > 1:
        raise ModelError(
            f"'{name}' could be {' or '.join(map(str, files))}",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="give it with its suffix, or as a path",
            value=name,
        )
    return files[0] if files else None


def _named(shelves: list[Path], name: str, suffixes: tuple[str, ...]) -> list[Path]:
    places = [shelf / f"{name}{suffix}" for shelf in shelves for suffix in suffixes]
    return [place for place in dict.fromkeys(places) if os.path.exists(place)]  # noqa: PTH110


def _named_by(tree: Path, shelf: Shelf) -> list[Path]:
    """The possible folders of a shelf in a tree, or in a file that lists trees."""
    if tree.is_file():
        return [folder for kind, folder in folders_in(tree) if kind in SHELVES[shelf]]
    return [root / name for root in (tree, tree / "models") for name in SHELVES[shelf]]


def _shelves(shelf: Shelf) -> list[Path]:
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    trees = [expanded(tree) for tree in named if tree]
    named = [place for tree in trees for place in _named_by(tree, shelf)]
    folders = [folder for folder in named if folder.is_dir()]
    # On a case-insensitive disk "vae" and "VAE" are the same folder.
    once = {(folder.stat().st_dev, folder.stat().st_ino): folder for folder in reversed(folders)}
    return [folder for folder in folders if folder in once.values()]


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
    require_packages(PACKAGES, "Stable Diffusion", "sd")


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
