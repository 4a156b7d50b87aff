"""A painter from its folders: the parts loaded, on the device and in the precision that suit each other."""

from __future__ import annotations

from pathlib import Path

from depthpaint.inputs.model_choice import ModelChoice
from depthpaint.models.runtime import Runtime
from depthpaint.models.stable_diffusion.device import chosen_device, chosen_precision
from depthpaint.models.stable_diffusion.folder import load_modules
from depthpaint.models.stable_diffusion.painter import StableDiffusion
from depthpaint.plan.habits import ModelHabits


def load_painter(
    habits: ModelHabits, folder: Path, control: Path | None, choice: ModelChoice, runtime: Runtime
) -> StableDiffusion:
    """Load everything. Raises ModelError as load_modules does, and for a device that is not there."""
    device = chosen_device(runtime.device)
    modules = load_modules(
        folder, control, device=device, dtype=chosen_precision(runtime.precision, device),
        clip_skip=choice.clip_skip,
    )  # fmt: skip
    return StableDiffusion(habits, modules)
