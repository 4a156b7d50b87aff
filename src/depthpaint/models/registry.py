"""The models by name, and how each is loaded."""

from __future__ import annotations

import difflib

from depthpaint.core.errors import ErrorCode, ModelError, printable
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.habits import DIORAMA, expanded
from depthpaint.models.painter import ModelEntry, Painter, Runtime
from depthpaint.models.stable_diffusion.find import find_stable_diffusion
from depthpaint.models.stable_diffusion.presets import PRESETS


def _load_diorama(runtime: Runtime) -> Painter:
    # Runs on the CPU, in float32. Imported late so that listing models does not load ONNX Runtime.
    from depthpaint.models.diorama.painter import Diorama

    return Diorama(DIORAMA, threads=runtime.threads)


MODELS: dict[str, ModelEntry] = {
    "diorama": ModelEntry(
        DIORAMA, _load_diorama, "Apache-2.0",
        "Built in: paints rooms, houses, landscapes and things, in a second on two CPU cores.",
        expanded=expanded,
    ),
}  # fmt: skip


def find_model(choice: ModelChoice) -> ModelEntry:
    """The model that `choice` names. Raises ModelError model_not_found, or an error about its files."""
    entry = MODELS.get(choice.model)
    if entry is not None:
        _refuse_parts(choice)
        return entry
    return find_stable_diffusion(choice) or _unknown(choice.model)


def _refuse_parts(choice: ModelChoice) -> None:
    plain = ModelChoice(model=choice.model)
    parts = [name for name in ModelChoice.model_fields if getattr(choice, name) != getattr(plain, name)]
    if parts:
        raise ModelError(
            f"{choice.model} cannot be combined with {' and '.join(parts)}",
            code=ErrorCode.MODEL_INCOMPATIBLE,
            value=tuple(parts),
            remedy="leave it out, or choose a Stable Diffusion with --model",
        )


def _unknown(name: str) -> ModelEntry:
    known = [*MODELS, *PRESETS]
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.4) or known
    raise ModelError(
        f"there is no model or folder named '{printable(name)}'",
        code=ErrorCode.MODEL_NOT_FOUND,
        value=name,
        remedy=f"known: {', '.join(near)}",
    )
