"""Weight files: complete safetensors, as large as the configuration requires, and never a pickle."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError, safe_open

from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError, is_shortage, out_of_memory
from depthpaint.models.folder_json import LONGEST_INDEX, Refuse, incompatible, read_json

NAMES: tuple[str, ...] = (
    "diffusion_pytorch_model.safetensors", "model.safetensors",
    "diffusion_pytorch_model.fp16.safetensors", "model.fp16.safetensors",
)  # fmt: skip
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_LFS = b"version https://git-lfs"
_CHUNK = 1 << 20


def weight_files(folder: Path) -> list[Path]:
    """The files of a part's folder that are loaded, each checked: one file, or the shards of an index.

    `folder` may also be a single file. Raises ModelError: model_not_found, pickle_refused, model_truncated.
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
    """Check by a file's header that it is complete: it states the position of every tensor."""
    try:
        with file.open("rb") as stream:
            pointer = stream.read(len(_LFS)) == _LFS
        if not pointer:
            with safe_open(file, framework="numpy"):
                return
        raise damaged(file, "it is a Git LFS pointer, not the weights (git lfs pull downloads them)")
    except (SafetensorError, OSError) as error:
        raise damaged(file, "it is damaged, truncated, or not a safetensors file") from error


def damaged(file: Path, why: str) -> ModelError:
    """The error for a weights file that cannot be trusted."""
    return ModelError(
        f"{file.name} of {file.parent} cannot be used: {why}",
        code=ErrorCode.MODEL_TRUNCATED,
        remedy="download it again",
        value=str(file),
    )


def _shards(index: Path) -> list[Path]:
    named: object = read_json(index, LONGEST_INDEX, refuse=_refused(index)).get("weight_map")
    # Names only: an index must not point outside its folder.
    values = cast("dict[str, Any]", named).values() if isinstance(named, dict) else ()
    files = [index.parent / Path(str(name)).name for name in sorted(set(map(str, values)))]
    if not files or not all(file.is_file() for file in files):
        raise damaged(index, "not all files that it lists exist")
    return files


def _refused(index: Path) -> Refuse:
    return lambda _, why: damaged(index, why)


def _none(folder: Path) -> ModelError:
    pickles = sorted(f.name for f in folder.glob("*") if f.suffix.lower() in PICKLES)
    if pickles:
        return ModelError(
            f"{folder} contains only pickled weights ({pickles[0]}), which can run code and are never read",
            code=ErrorCode.PICKLE_REFUSED,
            remedy="convert them to safetensors if you trust them, or use a folder with safetensors",
            value=str(folder),
        )
    return ModelError(
        f"{folder} contains no weights",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy=f"it must contain {NAMES[0]} or {NAMES[1]}",
        value=str(folder),
    )


SPARE_SHARE, SPARE = 1.25, 1_000_000
"""The factor by which a network may exceed its weights: published files omit unused tensors."""


def require_backed(folder: Path, files: Sequence[Path], empty: Any, refuse: Refuse = incompatible) -> None:
    """Raise `refuse`'s error if `empty`, a module without memory, is much larger than its weights.

    A library would fill missing ones with random numbers: gigabytes for a configuration of a few bytes.
    """
    built = sum(math.prod(tensor.shape) for tensor in empty.state_dict().values())
    held = sum(map(_numbers_in, files))
    if built > held * SPARE_SHARE + SPARE:
        raise refuse(folder, f"its config.json describes {built:,} weights, but its files contain {held:,}")


def require_finite(folder: Path, network: Any, refuse: Refuse = incompatible) -> None:
    """Raise `refuse`'s error if a weight is NaN or infinite.

    Used for networks that judge; a painting network with such weights gives broken pictures, which are
    noticed.
    """
    for name, weight in network.named_parameters():
        if not bool(weight.isfinite().all()):
            raise refuse(folder, f"its {name[:80]} contains numbers that are not finite")


def _numbers_in(file: Path) -> int:
    with safe_open(file, framework="numpy") as opened:  # pyright: ignore[reportUnknownVariableType]
        stream = cast("Any", opened)
        return sum(math.prod(stream.get_slice(name).get_shape()) for name in stream.keys())


_ZIP, _TAR = b"PK\x03\x04", b"ustar"
_LEGACY = b"\x80"
"""Pickle protocol 2 and later; the length of a safetensors header may start with it, too."""
_HEAD = 263
_TAR_AT = 257


def refuse_pickle(path: Path) -> None:
    """Raise ModelError pickle_refused if `path` is a file that contains a pickle, or is named like one."""
    if not path.is_file():
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror}", code=ErrorCode.MODEL_NOT_FOUND, value=str(path)
        ) from error
    if path.suffix.lower() in PICKLES or _is_pickle(head):
        raise ModelError(
            f"{path.name} contains pickled weights, which can run code and are never read",
            code=ErrorCode.PICKLE_REFUSED,
            remedy="look for a copy in safetensors, or convert it if you trust it: torch.load(..., "
            "weights_only=True), then safetensors.torch.save_file",
            value=str(path),
        )


def _is_pickle(head: bytes) -> bool:
    if head.startswith(_ZIP) or head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return True
    # In a safetensors file the ninth byte is the "{" of the JSON header.
    return head.startswith(_LEGACY) and head[8:9] != b"{"


_LONGEST_REASON = 200
_OF_THE_MACHINE = frozenset({"AcceleratorError"})
"""The class name of torch's error for a GPU failure."""


@contextmanager
def library_errors(
    place: Path,
    refuse: Refuse = incompatible,
    *,
    part: str = "",
    short: str = "to load it",
    remedy: str = "take a smaller --model",
) -> Generator[None]:
    """Raise `refuse`'s error for any exception of a library: the files in `place` are not what it expects.

    `part` names what failed. A lack of memory becomes out_of_memory, "there is not enough memory `short`";
    typed errors, missing packages and GPU errors are passed on.
    """
    try:
        yield
    except (DepthpaintError, ModuleNotFoundError):
        raise
    except Exception as error:
        if is_shortage(error):
            raise out_of_memory(short, remedy) from error
        if type(error).__name__ in _OF_THE_MACHINE:
            raise
        reason = next(iter(str(error).splitlines()), "")[:_LONGEST_REASON] or type(error).__name__
        raise refuse(place, f"{part} fails: {reason}" if part else reason) from error
