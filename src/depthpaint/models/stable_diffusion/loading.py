"""A painter from what was found: its parts on a device, in a precision that suits it."""

from __future__ import annotations

import torch

from depthpaint.models.library_errors import library_errors
from depthpaint.models.runtime import Runtime
from depthpaint.models.stable_diffusion.device import chosen_device, chosen_precision
from depthpaint.models.stable_diffusion.folder import load_modules
from depthpaint.models.stable_diffusion.found import Found
from depthpaint.models.stable_diffusion.painter import StableDiffusion
from depthpaint.plan import ModelHabits


def load_painter(habits: ModelHabits, found: Found, runtime: Runtime) -> StableDiffusion:
    """Load everything. Raises ModelError as load_modules does, and for a device that is not there."""
    device = chosen_device(runtime.device)
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    dtype = chosen_precision(runtime.precision, device)
    with library_errors(found.folder):
        modules = load_modules(found, device=device, dtype=dtype)
        if runtime.compile:
            modules.unet.compile()
        if device == "cuda":
            modules.unet.to(memory_format=torch.channels_last)
        return StableDiffusion(habits, modules, found.folder)
