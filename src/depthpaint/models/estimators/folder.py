"""An estimator's folder in transformers' layout: what it says it is, and its weights; nothing is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.depth.formats.samples import Quantity
from depthpaint.models.estimators.family import FAMILIES, Family
from depthpaint.models.folder_json import LONGEST_INDEX, read_configuration, read_json, require_readable
from depthpaint.models.weights import PICKLES, digest_of, require_whole

CONFIGURATION, WEIGHTS = "config.json", "model.safetensors"
SHARDS = f"{WEIGHTS}.index.json"


@dataclass(frozen=True, slots=True)
class EstimatorFolder:
    """A folder that can be loaded: its weights are whole safetensors, of that digest."""

    path: Path
    family: Family
    quantity: Quantity
    files: Sequence[Path]
    weights_sha256: str


def open_folder(path: Path) -> EstimatorFolder:
    """Check a folder. Raises ModelError: pickle_refused, model_truncated, model_incompatible."""
    files = _weight_files(path)
    family, quantity = _family(path)
    require_readable(path, unusable)
    for file in files:
        require_whole(file)
    return EstimatorFolder(path, family, quantity, files, digest_of(files))


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
        shards = read_json(path / SHARDS, LONGEST_INDEX, refuse=unusable).get("weight_map")
        if isinstance(shards, dict) and shards:
            # Names alone: an index may not point out of its folder.
            files = [
                path / Path(str(name)).name
                for name in sorted(set(map(str, cast("dict[str, Any]", shards).values())))
            ]
            if all(file.is_file() for file in files):
                return files
        raise unusable(path, f"not every file of {SHARDS} is there", ErrorCode.MODEL_TRUNCATED)
    pickles = sorted(file.name for file in path.iterdir() if file.suffix.lower() in PICKLES)
    if pickles:
        raise ModelError(
            f"{path} holds pickled weights only ({pickles[0]}), which can run code and are never read",
            code=ErrorCode.PICKLE_REFUSED,
            remedy="convert them to safetensors where you trust them, or take a folder that has them",
            value=str(path),
        )
    raise unusable(path, f"it holds no {WEIGHTS}")


def _family(path: Path) -> tuple[Family, Quantity]:
    configuration = read_configuration(path / CONFIGURATION, refuse=unusable)
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
