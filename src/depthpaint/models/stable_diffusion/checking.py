"""Is what lies in the hub's cache whole, and what was published?"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.stable_diffusion.find import OTHERWISE, needs_extra
from depthpaint.models.stable_diffusion.preset import Preset
from depthpaint.models.weights import require_whole


@dataclass(frozen=True, slots=True)
class Checked:
    """A preset's files: all whole, not (all) there, or damaged and `why`."""

    name: str
    state: Literal["whole", "missing", "damaged"]
    why: str = ""


def check(name: str, preset: Preset) -> Checked:
    """Look at every weights file of `preset`; raises ModelError where the extra `sd` is missing."""
    try:
        hub = import_module("depthpaint.models.hub")
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error
    try:
        for part in preset.parts:
            folder = hub.local_folder(f"the model {name}", part, OTHERWISE)
            for file in sorted(folder.rglob("*.safetensors")):
                require_whole(file)
            hub.require_pinned(folder, part)
    except ModelError as error:
        if error.code is ErrorCode.OFFLINE_MISSING:
            return Checked(name, "missing")
        return Checked(name, "damaged", str(error))
    return Checked(name, "whole")
