"""The models by name: what each is, and how it is loaded."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.painter import Painter
from depthpaint.plan.habits import ModelHabits


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model: `habits` are there without loading anything, `load` makes a painter."""

    habits: ModelHabits
    load: Callable[[], Painter]
    licence: str
    summary: str


DIORAMA = ModelHabits(
    name="diorama",
    trained_area=128 * 128,
    smallest_area=96 * 96,
    largest_area=176 * 176,
    multiple=32,
    latent_factor=8,
    latent_channels=16,
    prediction="v_prediction",
    zero_terminal_snr=True,
    sampler="dpm++-2m",
    schedule="trailing",
    num_inference_steps=16,
    guidance_scale=2.0,
    control_strength=1.0,
)


def _load_diorama() -> Painter:
    # The import is late so that listing models costs no ONNX Runtime.
    from depthpaint.models.diorama.painter import Diorama

    return Diorama(DIORAMA)


MODELS: dict[str, ModelEntry] = {
    "diorama": ModelEntry(
        DIORAMA, _load_diorama, "Apache-2.0",
        "Built in: paints plain things on a floor, before a wall or the sky, in a second on two CPU cores.",
    ),
}  # fmt: skip


def model_named(name: str) -> ModelEntry:
    """Look a model up. Raises ModelError `model_not_found`, naming the nearest known ones."""
    entry = MODELS.get(name)
    if entry is None:
        near = difflib.get_close_matches(name, MODELS, n=5, cutoff=0.3) or sorted(MODELS)
        raise ModelError(
            f"no model is named '{name}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            value=name,
            remedy=f"known: {', '.join(near)}",
        )
    return entry
