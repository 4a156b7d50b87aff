"""The estimators by name: where their weights come from, and under which licence."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.estimators.estimator import Estimator

DEFAULT = "depth-anything-v2-small"


@dataclass(frozen=True, slots=True)
class EstimatorEntry:
    """One estimator: its repository on the Hugging Face hub, its size to download, and its licence."""

    repository: str
    megabytes: int
    licence: str


ESTIMATORS: dict[str, EstimatorEntry] = {
    DEFAULT: EstimatorEntry("depth-anything/Depth-Anything-V2-Small-hf", 99, "Apache-2.0"),
    "depth-anything-v2-base": EstimatorEntry("depth-anything/Depth-Anything-V2-Base-hf", 390, "CC-BY-NC-4.0"),
    "depth-anything-v2-large": EstimatorEntry(
        "depth-anything/Depth-Anything-V2-Large-hf", 1341, "CC-BY-NC-4.0"
    ),
}


def load_estimator(name: str) -> Estimator:
    """Load a registered estimator, or one from a folder in transformers' layout; never downloads.

    Raises ModelError: model_not_found, offline_missing, model_incompatible.
    """
    folder = Path(name)
    if name in ESTIMATORS:
        hub = import_module("depthpaint.models.estimators.hub")
        folder = hub.local_folder(name, ESTIMATORS[name])
    elif not folder.is_dir():
        raise ModelError(
            f"there is no estimator '{name}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"choose one of {', '.join(ESTIMATORS)}, or name a folder",
            value=name,
        )
    try:
        module = import_module("depthpaint.models.estimators.depth_anything")
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error
    return module.DepthAnything(name, folder)


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
