"""Model trees of ComfyUI and of the AUTOMATIC1111 web UI, with extra_model_paths.yaml, read in place."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from depthpaint.core.errors import ErrorCode, ModelError, not_installed
from depthpaint.core.files import expanded
from depthpaint.models.weights import PICKLES

BASE, DEFAULT = "base_path", "is_default"
OLD_NAMES = {"unet": "diffusion_models"}
"""What ComfyUI has renamed since; it reads both."""
LONGEST = 100_000
"""Characters that are read; such a file holds a few thousand."""


def folders_in(file: Path) -> tuple[tuple[str, Path], ...]:
    """The folders that a file names, each with what it is for (checkpoints, loras, ...), in its order.

    Each group of the file has its `base_path`; what is relative is so to that, or to the file. Raises
    ModelError model_not_found for a file that is none of this kind, model_incompatible without a YAML reader.
    """
    try:
        with file.open(encoding="utf-8") as stream:
            text = stream.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(file, "it is no text that can be read") from error
    if len(text) > LONGEST:
        raise _unreadable(file, f"it is longer than {LONGEST:,} characters")
    return _folders(file.absolute(), text)


@lru_cache(maxsize=16)
def _folders(file: Path, text: str) -> tuple[tuple[str, Path], ...]:
    groups = _object(file, "it", _parsed(file, text))
    found: list[tuple[str, Path]] = []
    for name, group in groups.items():
        if group is None:
            continue
        said = _object(file, f"its {name}", group)
        base = file.parent / _expanded(_text(file, BASE, said.get(BASE) or ""))
        for kind, lines in said.items():
            if kind in (BASE, DEFAULT) or lines is None:
                continue
            places = [line.strip() for line in _text(file, kind, lines).splitlines()]
            found += [(OLD_NAMES.get(kind, kind), base / _expanded(place)) for place in places if place]
    return tuple(found)


def _parsed(file: Path, text: str) -> object:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise not_installed(ModelError, error, f"reading {file.name}", "sd") from error
    try:
        return yaml.safe_load(text)
    # Dates that are none raise a ValueError, brackets without end a RecursionError.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(file, "it is no YAML") from error


def _object(file: Path, what: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unreadable(file, f"{what[:60]} holds no names with folders")
    return {str(name): each for name, each in cast("dict[object, Any]", value).items()}


def _text(file: Path, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _unreadable(file, f"its {name[:60]} is no folder")
    return value


def _expanded(place: str) -> Path:
    return expanded(os.path.expandvars(place))


def _unreadable(file: Path, why: str) -> ModelError:
    return ModelError(
        f"{file} is no list of model folders as ComfyUI's extra_model_paths.yaml: {why}",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy="mend it, or take it out of DEPTHPAINT_MODELS",
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
"""Where each kind lies, below a tree or below its folder `models`: ComfyUI's names, then the web UI's."""


def on_shelf(name: str, shelf: Shelf) -> Path | None:
    """The file, or the folder in diffusers' layout, of that name, with or without its suffix; None for none.

    A name may hold folders below the shelf, never above it. A pickle is found as well, to be refused. Raises
    ModelError where a name leaves the shelf, or two have it.
    """
    shelves = _shelves(shelf)
    wanted = Path(name)
    if not shelves or wanted.is_absolute() or wanted.drive:
        return None
    if ".." in wanted.parts:
        raise ModelError(
            f"'{name}' leads out of the model trees",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="name what lies in them, or give a whole path",
            value=name,
        )
    found = _named(shelves, name, ("", SUFFIX)) or _named(shelves, name, PICKLES)
    if len(found) > 1:
        raise ModelError(
            f"'{name}' could be {' or '.join(map(str, found))}",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="name it with its suffix, or by its path",
            value=name,
        )
    return found[0] if found else None


def _named(shelves: list[Path], name: str, suffixes: tuple[str, ...]) -> list[Path]:
    places = [shelf / f"{name}{suffix}" for shelf in shelves for suffix in suffixes]
    return [place for place in dict.fromkeys(places) if os.path.exists(place)]  # noqa: PTH110


def _named_by(tree: Path, shelf: Shelf) -> list[Path]:
    """Where a tree, or a file that names trees, would have a shelf."""
    if tree.is_file():
        return [folder for kind, folder in folders_in(tree) if kind in SHELVES[shelf]]
    return [root / name for root in (tree, tree / "models") for name in SHELVES[shelf]]


def _shelves(shelf: Shelf) -> list[Path]:
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    trees = [expanded(tree) for tree in named if tree]
    named = [place for tree in trees for place in _named_by(tree, shelf)]
    folders = [folder for folder in named if folder.is_dir()]
    # A disk that knows no capitals holds "vae" and "VAE" once.
    once = {(folder.stat().st_dev, folder.stat().st_ino): folder for folder in reversed(folders)}
    return [folder for folder in folders if folder in once.values()]
