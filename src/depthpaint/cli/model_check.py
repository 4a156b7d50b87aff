"""`depthpaint models verify`: one name, checked file by file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from depthpaint.core.errors import ErrorCode, ModelError, printable

if TYPE_CHECKING:
    from depthpaint.models.estimators.registry import HubEntry
    from depthpaint.models.hub_part import HubPart
    from depthpaint.models.stable_diffusion.checking import Checked


def everything() -> list[str]:
    """All names that can be checked."""
    from depthpaint.models.estimators.registry import ESTIMATORS
    from depthpaint.models.registry import MODELS
    from depthpaint.models.stable_diffusion.presets import PRESETS

    return [*MODELS, *PRESETS, *ESTIMATORS]


def checked(name: str) -> Checked:
    """What the files of a model are like. Raises ModelError for a name that is none."""
    from depthpaint.models.estimators.registry import ESTIMATORS, HubEntry
    from depthpaint.models.hub_name import part_named
    from depthpaint.models.registry import MODELS
    from depthpaint.models.stable_diffusion.checking import check
    from depthpaint.models.stable_diffusion.presets import PRESETS

    if name in PRESETS:
        return check(name, PRESETS[name].parts)
    seer = ESTIMATORS.get(name)
    if isinstance(seer, HubEntry):
        return check(name, [_pinned(seer)])
    if name in MODELS or seer is not None:
        return _shipped(name)
    if (part := part_named(name)) is not None:
        return check(name, [part])
    raise ModelError(
        f"there is no model called '{printable(name)}'",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy=f"choose one of {', '.join(everything())}, or a hub id like owner/name",
        value=name,
    )


def _pinned(seer: HubEntry) -> HubPart:
    from dataclasses import replace

    from depthpaint.models.estimators.folder import WEIGHTS

    return seer.part if seer.sha256 is None else replace(seer.part, sha256={WEIGHTS: seer.sha256})


def _shipped(name: str) -> Checked:
    """What is inside the package, against the digests of when it was made."""
    from depthpaint.models.diorama.files import SMALL_FILES, open_files
    from depthpaint.models.estimators.diorama_depth import require_files
    from depthpaint.models.estimators.registry import ESTIMATORS, ShippedEntry
    from depthpaint.models.stable_diffusion.checking import Checked

    seer = ESTIMATORS.get(name)
    try:
        if isinstance(seer, ShippedEntry):
            require_files(name, seer.folder)
            files = 3
        else:
            open_files()
            files = len(SMALL_FILES) + 2
    except ModelError as error:
        return Checked(name, "damaged", str(error))
    return Checked(name, "whole", files=files)
