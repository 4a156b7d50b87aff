"""From what a person names to what can be loaded: without torch, so that a plan costs nothing heavy."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.inputs.model_choice import ModelChoice
from depthpaint.models.entry import ModelEntry
from depthpaint.models.painter import Painter
from depthpaint.models.runtime import Runtime
from depthpaint.models.stable_diffusion.habits import habits_of


def find_folder(choice: ModelChoice) -> ModelEntry | None:
    """The model in the folder that `choice` names, None where it names none.

    Raises ModelError where the folder, or its control, cannot be painted with.
    """
    folder = Path(choice.model)
    if not folder.is_dir():
        return None
    name = folder.resolve().name
    control = None if choice.control is None else _control_folder(choice.control)

    def load(runtime: Runtime) -> Painter:
        try:
            loading = import_module("depthpaint.models.stable_diffusion.loading")
        except ModuleNotFoundError as error:
            raise needs_extra(error) from error
        return loading.load_painter(habits, folder, control, choice, runtime)

    habits = habits_of(folder, name)
    return ModelEntry(habits, load, "its own", f"Stable Diffusion in {name}")


def _control_folder(name: str) -> Path:
    folder = Path(name)
    if not folder.is_dir():
        raise ModelError(
            f"there is no control network '{name}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="name a depth ControlNet or T2I-Adapter in a folder",
            value=name,
        )
    return folder


def needs_extra(error: ModuleNotFoundError) -> ModelError:
    """The error for a package that the extra `sd` brings; what is depthpaint's own is raised again."""
    if (error.name or "").startswith("depthpaint"):
        raise error
    return ModelError(
        f"Stable Diffusion needs {error.name}, which is not installed",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="pip install 'depthpaint[sd]'",
        value=error.name,
    )
