"""Weight files: safetensors that are whole and as large as the configuration needs, and never a pickle."""

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


SPARE_SHARE, SPARE = 1.25, 1_000_000
"""What a network may have beyond its weights: published files leave out tensors that are never used."""


def require_backed(folder: Path, files: Sequence[Path], empty: Any, refuse: Refuse = incompatible) -> None:
    """Raise `refuse`'s error where `empty`, a module without memory, is much larger than its weights.

    A library would fill what is missing with random numbers: gigabytes for a configuration of a few bytes.
    """
    built = sum(math.prod(tensor.shape) for tensor in empty.state_dict().values())
    held = sum(map(_numbers_in, files))
    if built > held * SPARE_SHARE + SPARE:
        raise refuse(folder, f"its config.json describes {built:,} weights, and its files hold {held:,}")


def require_finite(folder: Path, network: Any, refuse: Refuse = incompatible) -> None:
    """Raise `refuse`'s error where a weight is NaN or infinite.

    For networks that judge: where one paints, its picture shows it.
    """
    for name, weight in network.named_parameters():
        if not bool(weight.isfinite().all()):
            raise refuse(folder, f"its {name[:80]} holds numbers that are not finite")


def _numbers_in(file: Path) -> int:
    with safe_open(file, framework="numpy") as opened:  # pyright: ignore[reportUnknownVariableType]
        stream = cast("Any", opened)
        return sum(math.prod(stream.get_slice(name).get_shape()) for name in stream.keys())


_ZIP, _TAR = b"PK\x03\x04", b"ustar"
_LEGACY = b"\x80"
"""Protocol 2 and later; the length of a safetensors header may begin so, too."""
_HEAD = 263
_TAR_AT = 257


def refuse_pickle(path: Path) -> None:
    """Raise ModelError pickle_refused where `path` is a file that holds a pickle, or is called like one."""
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
            f"{path.name} holds pickled weights, which can run code and are never read",
            code=ErrorCode.PICKLE_REFUSED,
            remedy="look for a copy in safetensors, or convert it where you trust it: torch.load(..., "
            "weights_only=True), then safetensors.torch.save_file",
            value=str(path),
        )


def _is_pickle(head: bytes) -> bool:
    if head.startswith(_ZIP) or head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return True
    # A safetensors file has its JSON header's "{" as the ninth byte.
    return head.startswith(_LEGACY) and head[8:9] != b"{"


_LONGEST_REASON = 200
_OF_THE_MACHINE = frozenset({"AcceleratorError"})
"""torch's error for a GPU that failed, by its name."""


@contextmanager
def library_errors(
    place: Path,
    refuse: Refuse = incompatible,
    *,
    part: str = "",
    short: str = "to load it",
    remedy: str = "take a smaller --model",
) -> Generator[None]:
    """Raise `refuse`'s error for whatever a library raises: the values in `place` are not what it expects.

    `part` names what failed. A shortage of memory is out_of_memory, "there is not enough memory `short`";
    typed errors, packages that are not installed and errors of the GPU stay what they are.
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
