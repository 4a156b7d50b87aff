"""Weight files in a folder: safetensors that are whole, and never a pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError, safe_open

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.folder_json import LONGEST_INDEX, Refuse, read_json

NAMES: tuple[str, ...] = (
    "diffusion_pytorch_model.safetensors", "model.safetensors",
    "diffusion_pytorch_model.fp16.safetensors", "model.fp16.safetensors",
)  # fmt: skip
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_LFS = b"version https://git-lfs"
_CHUNK = 1 << 20


def weight_files(folder: Path) -> list[Path]:
    """The files that a folder's part is loaded from, each checked: one, or the shards of an index.

    A single file is its own. Raises ModelError: model_not_found, pickle_refused, model_truncated.
    """
    if folder.is_file():
        require_whole(folder)
        return [folder]
    for name in NAMES:
        if (folder / name).is_file():
            files = [folder / name]
            break
        index = folder / f"{name}.index.json"
        if index.is_file():
            files = _shards(index)
            break
    else:
        raise _none(folder)
    for file in files:
        require_whole(file)
    return files


def digest_of(files: Sequence[Path]) -> str:
    """sha256, hexadecimal, of the files one after the other."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def require_whole(file: Path) -> None:
    """Read a file's header: it says where every tensor lies, and the file must be as long as that."""
    try:
        with file.open("rb") as stream:
            pointer = stream.read(len(_LFS)) == _LFS
        if not pointer:
            with safe_open(file, framework="numpy"):
                return
        raise damaged(file, "it is a pointer of Git LFS, not the weights (git lfs pull fetches them)")
    except (SafetensorError, OSError) as error:
        raise damaged(file, "it is damaged, cut short, or no safetensors at all") from error


def damaged(file: Path, why: str) -> ModelError:
    """The error for a weights file that cannot be trusted."""
    return ModelError(
        f"{file.name} of {file.parent} cannot be used: {why}",
        code=ErrorCode.MODEL_TRUNCATED,
        remedy="fetch it again",
        value=str(file),
    )


def _shards(index: Path) -> list[Path]:
    named: object = read_json(index, LONGEST_INDEX, refuse=_refused(index)).get("weight_map")
    # Names alone: an index may not point out of its folder.
    values = cast("dict[str, Any]", named).values() if isinstance(named, dict) else ()
    files = [index.parent / Path(str(name)).name for name in sorted(set(map(str, values)))]
    if not files or not all(file.is_file() for file in files):
        raise damaged(index, "not every file that it names is there")
    return files


def _refused(index: Path) -> Refuse:
    return lambda _, why: damaged(index, why)


def _none(folder: Path) -> ModelError:
    pickles = sorted(f.name for f in folder.glob("*") if f.suffix.lower() in PICKLES)
    if pickles:
        return ModelError(
            f"{folder} holds pickled weights only ({pickles[0]}), which can run code and are never read",
            code=ErrorCode.PICKLE_REFUSED,
            remedy="convert them to safetensors where you trust them, or take a folder that has them",
            value=str(folder),
        )
    return ModelError(
        f"{folder} holds no weights",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy=f"it should hold {NAMES[0]} or {NAMES[1]}",
        value=str(folder),
    )
