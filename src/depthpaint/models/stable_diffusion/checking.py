"""Is what lies in the hub's cache whole, and what was published?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.hub import require_pinned
from depthpaint.models.hub_environment import require_sound_environment
from depthpaint.models.hub_part import HubPart
from depthpaint.models.stable_diffusion.places import in_cache
from depthpaint.models.weights import require_whole


@dataclass(frozen=True, slots=True)
class Checked:
    """A model's files, how many were looked at: all whole, not all there, or damaged and `why`."""

    name: str
    state: Literal["whole", "missing", "damaged"]
    why: str = ""
    files: int = 0


def check(name: str, parts: Sequence[HubPart]) -> Checked:
    """Look at every weights file of `parts`; raises ModelError where the extra `sd` is missing."""
    files = 0
    try:
        for part in parts:
            folder = in_cache(part)
            for file in sorted(folder.rglob("*.safetensors")):
                require_whole(file)
                files += 1
            require_pinned(folder, part)
    except ModelError as error:
        if error.code is ErrorCode.OFFLINE_MISSING:
            return Checked(name, "missing")
        if error.code is ErrorCode.MODEL_INCOMPATIBLE:
            raise
        return Checked(name, "damaged", str(error), files)
    return Checked(name, "whole", files=files)


def is_here(parts: Sequence[HubPart]) -> bool:
    """Whether all of `parts` are in the hub's cache; without the extra `sd`, none is."""
    require_sound_environment()
    try:
        from huggingface_hub.constants import HF_HUB_CACHE
    except ModuleNotFoundError:
        return False
    # The library's own look takes a third of a second to import, which a list does not need without a cache.
    folders = [Path(HF_HUB_CACHE) / f"models--{part.repository.replace('/', '--')}" for part in parts]
    try:
        return all(folder.is_dir() for folder in folders) and all(in_cache(part).is_dir() for part in parts)
    except ModelError:
        return False
