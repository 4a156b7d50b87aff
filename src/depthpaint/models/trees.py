"""Model trees of ComfyUI and of the AUTOMATIC1111 web UI, read where they are.

DEPTHPAINT_MODELS names them, or a file in which ComfyUI names them (tree_file), with the system's separator
of paths between several.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.core.files import expanded
from depthpaint.models.tree_file import folders_in
from depthpaint.models.weights import PICKLES

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
