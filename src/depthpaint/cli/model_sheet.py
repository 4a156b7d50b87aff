"""What `depthpaint models` shows of a model: rows of a list, all its facts, its files checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from depthpaint.cli.terminal import emit
from depthpaint.core.errors import ErrorCode, ModelError, printable
from depthpaint.core.regular_file import DOCUMENT
from depthpaint.models.diorama.files import SMALL_FILES, open_files
from depthpaint.models.estimators.diorama_depth import require_files
from depthpaint.models.estimators.estimator import WEIGHTS
from depthpaint.models.estimators.registry import DEFAULT, ESTIMATORS, HubEntry, ShippedEntry
from depthpaint.models.hub_files import HubPart, part_named
from depthpaint.models.registry import MODELS
from depthpaint.models.stable_diffusion.places import Checked, check, is_here
from depthpaint.models.stable_diffusion.presets import PRESETS, Preset

THERE, AWAY = "*", " "


def emit_list() -> None:
    """Every model with a sentence about it, by family."""
    emit("inside the package")
    for name, entry in MODELS.items():
        emit(f"{THERE} {name:26}{entry.summary} ({entry.licence})")
    family = ""
    for name, preset in PRESETS.items():
        if preset.family != family:
            family = preset.family
            emit(f"\n{family}, to download with depthpaint models pull NAME ({THERE} is on this machine)")
        mark = THERE if is_here(preset.parts) else AWAY
        emit(f"{mark} {name:26}{gigabytes(preset.megabytes)}  {preset.summary}")
    emit("\nfor --from-photo and verify")
    for name, seer in ESTIMATORS.items():
        default = ", the default)" if name == DEFAULT else ")"
        mark = THERE if _seer_is_here(seer) else AWAY
        emit(f"{mark} {name:26}{seer.summary} ({seer.licence}{default}")


def listed() -> dict[str, object]:
    """The same as a document."""
    models: list[dict[str, Any]] = [
        {"name": name, "summary": entry.summary, "licence": entry.licence, "megabytes": 0, "here": True}
        for name, entry in MODELS.items()
    ]
    models += [
        {
            "name": name, "family": preset.family, "summary": preset.summary, "licence": preset.licence,
            "megabytes": preset.megabytes, "here": is_here(preset.parts), "unchecked": preset.unchecked,
        }
        for name, preset in PRESETS.items()
    ]  # fmt: skip
    return {
        "models": models,
        "estimators": [{"name": name} | told(seer) for name, seer in ESTIMATORS.items()],
    }


def emit_preset(name: str, preset: Preset) -> None:
    """All that is known of a preset."""
    emit(f"{name}: {preset.summary}\nlicence: {preset.licence}\ndepth it was trained on: {preset.trained_on}")
    if preset.unchecked:
        emit(f"not checked: {preset.unchecked}")
    emit(f"\nto download, {gigabytes(preset.megabytes).strip()} in all")
    for part in preset.parts:
        emit(f"  {part.megabytes:6} MB  {part.page} ({part.licence})")
    for kind, part in preset.also.items():
        emit(f"  {part.megabytes:6} MB  for --also {kind}: {part.page} ({part.licence})")
    emit_facts("habits", asdict(preset.habits))


def preset_document(name: str, preset: Preset) -> dict[str, object]:
    """The same as a document."""
    facts: dict[str, object] = {"name": name, "licence": preset.licence, "megabytes": preset.megabytes}
    return {**facts, "here": is_here(preset.parts), **asdict(preset)}


def emit_facts(title: str, facts: Mapping[str, object]) -> None:
    """A titled column of facts; nothing where there are none."""
    if facts:
        emit(f"\n{title}")
    for key, value in facts.items():
        emit(f"  {key:20} {value}")


def told(seer: HubEntry | ShippedEntry) -> dict[str, object]:
    """An estimator as a document has it: one that is inside the package has no repository and no revision."""
    plain: dict[str, object] = {"summary": seer.summary, "licence": seer.licence}
    if not isinstance(seer, HubEntry):
        return plain | {"repository": None, "revision": None}
    place = {"repository": seer.repository, "revision": seer.revision or "main"}
    return plain | place | {"megabytes": seer.megabytes, "here": _seer_is_here(seer)}


def gigabytes(megabytes: int) -> str:
    """A size to download, in a column."""
    return f"{megabytes / 1000:4.1f} GB"


def _seer_is_here(seer: HubEntry | ShippedEntry) -> bool:

    return is_here([seer.part]) if isinstance(seer, HubEntry) else (seer.folder / DOCUMENT).is_file()


def everything() -> list[str]:
    """All names that can be checked."""
    return [*MODELS, *PRESETS, *ESTIMATORS]


def checked(name: str) -> Checked:
    """What the files of a model are like. Raises ModelError for a name that is none."""
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

    return seer.part if seer.sha256 is None else replace(seer.part, sha256={WEIGHTS: seer.sha256})


def _shipped(name: str) -> Checked:
    """What is inside the package, against the digests of when it was made."""
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
