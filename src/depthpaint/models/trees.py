"""Model trees of ComfyUI and of the AUTOMATIC1111 web UI, read where they are.

DEPTHPAINT_MODELS names them, with the system's separator of paths between several.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from depthpaint.core.errors import ErrorCode, ModelError

Shelf = Literal["model", "control", "lora", "vae", "embedding"]
VARIABLE = "DEPTHPAINT_MODELS"
SUFFIX = ".safetensors"
SHELVES: dict[Shelf, tuple[str, ...]] = {
    "model": ("checkpoints", "Stable-diffusion", "diffusers"),
    "control": ("controlnet", "ControlNet", "t2i_adapter"),
    "lora": ("loras", "Lora"),
    "vae": ("vae", "VAE"),
    "embedding": ("embeddings",),
}
"""Where each kind lies, below a tree or below its folder `models`."""


def on_shelf(name: str, shelf: Shelf) -> Path | None:
    """The file, or the folder in diffusers' layout, of that name, with or without its suffix; None for none.

    A name may hold folders below the shelf, never above it. Raises ModelError where two have the name.
    """
    wanted = Path(name)
    if wanted.is_absolute() or ".." in wanted.parts:
        return None
    found: list[Path] = []
    for folder in _shelves(shelf):
        for place in (folder / name, folder / f"{name}{SUFFIX}"):
            if place.exists() and place not in found:
                found.append(place)
    if len(found) > 1:
        raise ModelError(
            f"'{name}' could be {' or '.join(map(str, found))}",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="name it with its suffix, or by its path",
            value=name,
        )
    return found[0] if found else None


def _shelves(shelf: Shelf) -> list[Path]:
    trees = [Path(tree) for tree in os.environ.get(VARIABLE, "").split(os.pathsep) if tree]
    roots = [root for tree in trees for root in (tree, tree / "models")]
    # A disk that knows no capitals holds "Lora" and "lora" once.
    places = {
        (root / name).resolve(): None for root in roots for name in SHELVES[shelf] if (root / name).is_dir()
    }
    return list(places)
