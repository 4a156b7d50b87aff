"""What `depthpaint models` prints: the list of models, the facts of one, and the state of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from depthpaint.cli.terminal import emit
from depthpaint.core.errors import ErrorCode, ModelError, printable
from depthpaint.core.regular_file import DOCUMENT
from depthpaint.models.diorama.files import SMALL_FILES, open_files
from depthpaint.models.estimators.estimator import WEIGHTS
from depthpaint.models.estimators.registry import DEFAULT, ESTIMATORS, HubEntry, ShippedEntry
from depthpaint.models.hub_files import HubPart, part_named
from depthpaint.models.registry import MODELS
from depthpaint.models.stable_diffusion.places import Checked, check, is_here
from depthpaint.models.stable_diffusion.presets import PRESETS, Preset

DOWNLOADED, MISSING = "*", " "


def emit_list() -> None:
    """Print every model with a summary, by family."""
    emit("in the package")
    for name, entry in MODELS.items():
        emit(f"{DOWNLOADED} {name:26}{entry.summary} ({entry.licence})")
    family = ""
    for name, preset in PRESETS.items():
        if preset.family != family:
            family = preset.family
            command = "depthpaint models pull NAME"
            emit(f"\n{family}, to download with {command} ({DOWNLOADED}: on this machine)")
        mark = DOWNLOADED if is_here(preset.parts) else MISSING
        emit(f"{mark} {name:26}{gigabytes(preset.megabytes)}  {preset.summary}")
    emit("\ndepth estimators, for --from-photo and verify")
    for name, estimator in ESTIMATORS.items():
        default = ", the default)" if name == DEFAULT else ")"
        mark = DOWNLOADED if _is_estimator_here(estimator) else MISSING
        emit(f"{mark} {name:26}{estimator.summary} ({estimator.licence}{default}")


def listed() -> dict[str, object]:
    """The same for JSON."""
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
        "estimators": [{"name": name} | estimator_facts(estimator) for name, estimator in ESTIMATORS.items()],
    }


def emit_preset(name: str, preset: Preset) -> None:
    """Print all facts of a preset."""
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
    """The same for JSON."""
    facts: dict[str, object] = {"name": name, "licence": preset.licence, "megabytes": preset.megabytes}
    return {**facts, "here": is_here(preset.parts), **asdict(preset)}


def emit_facts(title: str, facts: Mapping[str, object]) -> None:
    """Print a titled column of facts; nothing if there are none."""
    if facts:
        emit(f"\n{title}")
    for key, value in facts.items():
        emit(f"  {key:20} {value}")


def estimator_facts(estimator: HubEntry | ShippedEntry) -> dict[str, object]:
    """The facts of an estimator for JSON. One in the package has no repository and no revision."""
    plain: dict[str, object] = {"summary": estimator.summary, "licence": estimator.licence}
    if not isinstance(estimator, HubEntry):
        return plain | {"repository": None, "revision": None}
    place = {"repository": estimator.repository, "revision": estimator.revision or "main"}
    return plain | place | {"megabytes": estimator.megabytes, "here": _is_estimator_here(estimator)}


def gigabytes(megabytes: int) -> str:
    """The size of a download, aligned in a column."""
    return f"{megabytes / 1000:4.1f} GB"


def _is_estimator_here(estimator: HubEntry | ShippedEntry) -> bool:

    if isinstance(estimator, HubEntry):
        return is_here([estimator.part])
    return (estimator.folder / DOCUMENT).is_file()


def everything() -> list[str]:
    """All names that can be checked."""
    return [*MODELS, *PRESETS, *ESTIMATORS]


def checked(name: str) -> Checked:
    """The state of a model's files. Raises ModelError for an unknown name."""
    if name in PRESETS:
        return check(name, PRESETS[name].parts)
    estimator = ESTIMATORS.get(name)
    if isinstance(estimator, HubEntry):
        return check(name, [_pinned(estimator)])
    if name in MODELS or estimator is not None:
        return _shipped(name)
    if (part := part_named(name)) is not None:
        return check(name, [part])
    raise ModelError(
        f"there is no model called '{printable(name)}'",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy=f"choose one of {', '.join(everything())}, or a hub id like owner/name",
        value=name,
    )


def _pinned(estimator: HubEntry) -> HubPart:

    if estimator.sha256 is None:
        return estimator.part
    return replace(estimator.part, sha256={WEIGHTS: estimator.sha256})


def _shipped(name: str) -> Checked:
    """The state of a model in the package, checked with the digests of the release."""
    # The import is late so that listing models does not load ONNX Runtime.
    from depthpaint.models.estimators.diorama_depth import require_files

    estimator = ESTIMATORS.get(name)
    try:
        if isinstance(estimator, ShippedEntry):
            require_files(name, estimator.folder)
            files = 3
        else:
            open_files()
            files = len(SMALL_FILES) + 2
    except ModelError as error:
        return Checked(name, "damaged", str(error))
    return Checked(name, "whole", files=files)
