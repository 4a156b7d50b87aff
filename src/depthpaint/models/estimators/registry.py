"""The estimators by name: where their weights come from, and under which licence."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.estimators.estimator import Estimator
from depthpaint.models.estimators.folder import open_folder

DEFAULT = "depth-anything-v2-small"


@dataclass(frozen=True, slots=True)
class EstimatorEntry:
    """One estimator: its repository on the Hugging Face hub, its size to download, and its licence.

    `revision` is the commit that is taken, None for whatever "main" is; `sha256` the digest that its weights
    must have, None where it is not known.
    """

    repository: str
    megabytes: int
    licence: str
    revision: str | None = None
    sha256: str | None = None


ESTIMATORS: dict[str, EstimatorEntry] = {
    DEFAULT: EstimatorEntry(
        "depth-anything/Depth-Anything-V2-Small-hf", 99, "Apache-2.0",
        revision="5426e4f0f36572d16453bbda7a8389317b1bef99",
        sha256="3152477ce0d8d6978d76b995120de97cb5b928701fd0f817769f59e249a16b70",
    ),
    "depth-anything-v2-base": EstimatorEntry("depth-anything/Depth-Anything-V2-Base-hf", 390, "CC-BY-NC-4.0"),
    "depth-anything-v2-large": EstimatorEntry(
        "depth-anything/Depth-Anything-V2-Large-hf", 1341, "CC-BY-NC-4.0"
    ),
}  # fmt: skip


def load_estimator(name: str) -> Estimator:
    """Load a registered estimator, or one from a folder in transformers' layout; never downloads.

    Raises ModelError: model_not_found, offline_missing, model_hash_mismatch, and what open_folder raises.
    """
    entry, path, revision = ESTIMATORS.get(name), Path(name), ""
    try:
        if entry is not None:
            path = import_module("depthpaint.models.estimators.hub").local_folder(name, entry)
            revision = path.name
        elif not path.is_dir():
            raise ModelError(
                f"there is no estimator '{name}'",
                code=ErrorCode.MODEL_NOT_FOUND,
                remedy=f"choose one of {', '.join(ESTIMATORS)}, or name a folder with --estimator",
                value=name,
            )
        folder = open_folder(path)
        if entry is not None:
            require_pinned(name, entry, folder.weights_sha256)
        module = import_module("depthpaint.models.estimators.depth_anything")
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error
    # A folder is told by its own name alone: pictures are given away, and a path would name a person's.
    return module.DepthAnything(name if entry else path.resolve().name, folder, revision)


def require_pinned(name: str, entry: EstimatorEntry, digest: str) -> None:
    """Raise ModelError model_hash_mismatch unless weights have the digest that the entry names."""
    if entry.sha256 not in (None, digest):
        raise ModelError(
            f"the weights of {name} have sha256 {digest[:10]}…, the published ones {entry.sha256[:10]}…",
            code=ErrorCode.MODEL_HASH_MISMATCH,
            remedy="delete them from the hub's cache and pull them again; "
            "to use other weights, name their folder with --estimator",
            value=digest,
            limit=entry.sha256,
        )


def needs_extra(error: ModuleNotFoundError) -> ModelError:
    """The error for a package that the extra `sd` brings; what is depthpaint's own is raised again."""
    if (error.name or "").startswith("depthpaint"):
        raise error
    return ModelError(
        f"seeing depth in a photo needs {error.name}, which is not installed",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="pip install 'depthpaint[sd]'",
        value=error.name,
    )
