"""An estimator's folder in transformers' layout: what it says it is, and its weights; nothing is loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.depth.formats.samples import Quantity
from depthpaint.models.estimators.family import FAMILIES, Family

CONFIGURATION, WEIGHTS = "config.json", "model.safetensors"
SHARDS = f"{WEIGHTS}.index.json"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_LFS = b"version https://git-lfs"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class EstimatorFolder:
    """A folder that can be loaded: its weights are whole safetensors, of that digest."""

    path: Path
    family: Family
    quantity: Quantity
    weights_sha256: str


def open_folder(path: Path) -> EstimatorFolder:
    """Check a folder. Raises ModelError: pickle_refused, model_truncated, model_incompatible."""
    files = _weight_files(path)
    family, quantity = _family(path)
    for file in files:
        _require_whole(file)
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return EstimatorFolder(path, family, quantity, digest.hexdigest())


def unusable(path: Path, why: str, code: ErrorCode = ErrorCode.MODEL_INCOMPATIBLE) -> ModelError:
    """The error for a folder that is no estimator."""
    return ModelError(
        f"{path} holds no depth estimator that can be used: {why}",
        code=code,
        remedy=f"name a folder with {CONFIGURATION} and {WEIGHTS}, or see depthpaint models pull",
        value=str(path),
    )


def _weight_files(path: Path) -> list[Path]:
    """The files that transformers would load, in order: one, or the shards that an index names."""
    if (path / WEIGHTS).is_file():
        return [path / WEIGHTS]
    if (path / SHARDS).is_file():
        shards = _document(path, SHARDS).get("weight_map")
        if isinstance(shards, dict) and shards:
            # Names alone: an index may not point out of its folder.
            files = [path / Path(str(name)).name for name in sorted(set(map(str, shards.values())))]
            if all(file.is_file() for file in files):
                return files
        raise unusable(path, f"not every file of {SHARDS} is there", ErrorCode.MODEL_TRUNCATED)
    pickles = sorted(file.name for file in path.iterdir() if file.suffix.lower() in _PICKLES)
    if pickles:
        raise ModelError(
            f"{path} holds pickled weights only ({pickles[0]}), which can run code and are never read",
            code=ErrorCode.PICKLE_REFUSED,
            remedy="convert them to safetensors where you trust them, or take a folder that has them",
            value=str(path),
        )
    raise unusable(path, f"it holds no {WEIGHTS}")


def _family(path: Path) -> tuple[Family, Quantity]:
    configuration = _document(path, CONFIGURATION)
    named = configuration.get("model_type")
    family = FAMILIES.get(named) if isinstance(named, str) else None
    if family is None:
        known = " and ".join(FAMILIES)
        raise unusable(
            path, f"{CONFIGURATION} says that it is of the family {str(named)[:40]!r}, known are {known}"
        )
    kind = configuration.get("depth_estimation_type", "relative")
    if kind not in ("relative", "metric"):
        raise unusable(path, f"its depth is of an unknown type, {str(kind)[:40]!r}")
    return family, "distance" if kind == "metric" else "disparity"


def _document(path: Path, name: str) -> dict[str, Any]:
    try:
        document: object = json.loads((path / name).read_text(encoding="utf-8"))
    except OSError as error:
        raise unusable(path, f"{name} cannot be read") from error
    except (ValueError, RecursionError) as error:
        raise unusable(path, f"{name} is no JSON") from error
    if not isinstance(document, dict):
        raise unusable(path, f"{name} says nothing")
    return document


def _require_whole(file: Path) -> None:
    """Read a file's header: it says where every tensor lies, and the file must be as long as that."""
    try:
        with file.open("rb") as stream:
            pointer = stream.read(len(_LFS)) == _LFS
        if not pointer:
            with safe_open(file, framework="numpy"):
                return
        why = f"{file.name} is a pointer of Git LFS, not the weights (git lfs pull fetches them)"
        raise unusable(file.parent, why, ErrorCode.MODEL_TRUNCATED)
    except (SafetensorError, OSError) as error:
        why = f"{file.name} is damaged, cut short, or no safetensors at all"
        raise unusable(file.parent, why, ErrorCode.MODEL_TRUNCATED) from error
