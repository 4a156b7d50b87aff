"""`depthpaint models`: what there is to paint with."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from depthpaint.cli.terminal import emit, emit_document, emit_path, tell
from depthpaint.core.errors import ErrorCode, ModelError, printable

if TYPE_CHECKING:
    from depthpaint.models.estimators.registry import HubEntry, ShippedEntry

app = typer.Typer(help="List, show, pull, verify and export models.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
MODEL_TROUBLE = 5


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Name every model with a sentence about it.

    Example: depthpaint models list --json
    """
    from depthpaint.models.estimators.registry import DEFAULT, ESTIMATORS
    from depthpaint.models.registry import MODELS
    from depthpaint.models.stable_diffusion.presets import PRESETS

    if as_json:
        rows = [{"name": k, "summary": m.summary, "licence": m.licence} for k, m in MODELS.items()]
        rows += [
            {"name": k, "summary": p.summary, "licence": p.licence, "megabytes": p.megabytes}
            for k, p in PRESETS.items()
        ]
        seers = [{"name": name, **_told(seer)} for name, seer in ESTIMATORS.items()]
        emit_document({"models": rows, "estimators": seers})
        return
    for name, entry in MODELS.items():
        emit(f"{name:16}{entry.summary} ({entry.licence})")
    emit("\nto download with models pull NAME:")
    for name, preset in PRESETS.items():
        emit(f"{name:16}{preset.summary} ({preset.megabytes / 1000:.1f} GB)")
    emit("\nfor --from-photo and verify:")
    for name, seer in ESTIMATORS.items():
        default = ", the default of --from-photo" if name == DEFAULT else ""
        emit(f"{name:25}{seer.summary} ({seer.licence}{default})")


@app.command()
def show(name: str, as_json: AsJson = False) -> None:
    """Say what a model is used to, how it was made and which words it knows.

    \b
    Examples:
      depthpaint models show diorama
      depthpaint models show diorama-depth
    """
    from depthpaint.inputs.model_choice import ModelChoice
    from depthpaint.models.diorama.files import FOLDER, diorama_facts
    from depthpaint.models.diorama.vocabulary import Vocabulary
    from depthpaint.models.estimators.registry import ESTIMATORS
    from depthpaint.models.registry import DIORAMA, find_model
    from depthpaint.models.stable_diffusion.presets import PRESETS

    if name in ESTIMATORS:
        _show_estimator(name, as_json=as_json)
        return
    if name in PRESETS:
        _show_preset(name, as_json=as_json)
        return
    entry = find_model(ModelChoice(model=name))
    built_in = entry.habits == DIORAMA
    facts = diorama_facts() if built_in else {}
    words = Vocabulary(FOLDER / "tokenizer.json").words if built_in else []
    if as_json:
        emit_document({
            "name": name, "summary": entry.summary, "licence": entry.licence, "habits": asdict(entry.habits),
            "facts": facts, "words": words,
        })  # fmt: skip
        return
    emit(f"{name}: {entry.summary}\nlicence: {entry.licence}\n\nhabits")
    for key, value in asdict(entry.habits).items():
        emit(f"  {key:20} {value}")
    if not built_in:
        return
    emit("\nhow it was made")
    for key, value in facts.items():
        emit(f"  {key:20} {value}")
    emit(f"\nthe {len(words)} words it knows\n  {' '.join(words)}")


@app.command()
def pull(name: str, quiet: Quiet = False) -> None:
    """Download a model's weights (safetensors only) into the hub's cache; nothing else ever downloads.

    \b
    Examples:
      depthpaint models pull sd15
      depthpaint models pull depth-anything-v2-small
      depthpaint models pull somebody/some-model
    """  # fmt: skip
    from depthpaint.models.estimators.registry import ESTIMATORS, HubEntry, needs_extra
    from depthpaint.models.stable_diffusion.find import HUB_ID, OTHERWISE, part_named
    from depthpaint.models.stable_diffusion.presets import PRESETS

    try:
        if isinstance(entry := ESTIMATORS.get(name), HubEntry):
            from depthpaint.models.estimators.hub import pull as fetch_estimator

            emit_path(fetch_estimator(name, entry))
            return
        if name not in PRESETS and not HUB_ID.fullmatch(name):
            raise _nothing_to_download(name)
        from depthpaint.models.hub import pull as fetch

        preset = PRESETS.get(name)
        parts = [part_named(name)] if preset is None else preset.parts
        if preset is not None:
            tell(f"{name}: {preset.megabytes / 1000:.1f} GB, licence: {preset.licence}", quiet=quiet)
        for part in parts:
            tell(f"from {part.page} ({part.licence})", quiet=quiet)
            emit_path(fetch(f"the model {name}", part, OTHERWISE))
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Without one, all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check the weights that are on this machine: every file whole, and of its digest where that is known.

    Example: depthpaint models verify sd15
    """
    from depthpaint.models.stable_diffusion.checking import check
    from depthpaint.models.stable_diffusion.presets import PRESETS

    unknown = [name for name in names or () if name not in PRESETS]
    if unknown:
        raise _nothing_to_download(unknown[0])
    rows = [check(name, PRESETS[name]) for name in names or PRESETS]
    if as_json:
        emit_document({"models": [asdict(row) for row in rows]})
    for row in rows if not as_json else ():
        emit(f"{row.name:16}{row.state}" + (f": {row.why}" if row.why else ""))
    if any(row.state == "damaged" or (names and row.state == "missing") for row in rows):
        raise typer.Exit(MODEL_TROUBLE)


@app.command()
def export(name: str, folder: Path) -> None:
    """Write a model as a diffusers folder, which stock diffusers loads.

    Example: depthpaint models export diorama exported-diorama
    """
    from depthpaint.models.diorama.folder import write_diffusers_folder
    from depthpaint.models.registry import DIORAMA

    if name != DIORAMA.name:
        raise ModelError(
            f"'{printable(name)}' cannot be exported: only {DIORAMA.name} has another layout than diffusers'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"depthpaint models export {DIORAMA.name} {folder}",
            value=name,
        )
    emit_path(write_diffusers_folder(folder, DIORAMA))


def _nothing_to_download(name: str) -> ModelError:
    from depthpaint.models.estimators.registry import ESTIMATORS, HubEntry
    from depthpaint.models.stable_diffusion.presets import PRESETS

    known = [*PRESETS, *(key for key, seer in ESTIMATORS.items() if isinstance(seer, HubEntry))]
    return ModelError(
        f"there is nothing to download called '{printable(name)}'",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy=f"choose one of {', '.join(known)}, or a hub id like owner/name; "
        "diorama and diorama-depth are inside the package",
        value=name,
    )


def _show_preset(name: str, *, as_json: bool) -> None:
    from depthpaint.models.stable_diffusion.presets import PRESETS

    preset = PRESETS[name]
    if as_json:
        document = asdict(preset)
        emit_document({"name": name, "megabytes": preset.megabytes, "licence": preset.licence, **document})
        return
    emit(f"{name}: {preset.summary}\nlicence: {preset.licence}\ndepth it was trained on: {preset.trained_on}")
    if preset.unchecked:
        emit(f"not checked: {preset.unchecked}")
    emit("\nto download")
    for part in preset.parts:
        emit(f"  {part.megabytes:6} MB  {part.page} ({part.licence})")
    for kind, part in preset.also.items():
        emit(f"  {part.megabytes:6} MB  for --also {kind}: {part.page} ({part.licence})")
    emit("\nhabits")
    for key, value in asdict(preset.habits).items():
        emit(f"  {key:20} {value}")


def _told(seer: HubEntry | ShippedEntry) -> dict[str, object]:
    """An estimator as a document has it: one that is inside the package has no repository and no revision."""
    from depthpaint.models.estimators.registry import HubEntry

    hub = seer if isinstance(seer, HubEntry) else None
    return {
        "summary": seer.summary,
        "licence": seer.licence,
        "repository": hub and hub.repository,
        "revision": hub and (hub.revision or "main"),
    }


def _show_estimator(name: str, *, as_json: bool) -> None:
    from depthpaint.models.estimators.registry import ESTIMATORS, ShippedEntry
    from depthpaint.models.shipped import read_document

    seer = ESTIMATORS[name]
    facts: dict[str, object] = {}
    if isinstance(seer, ShippedEntry):
        facts = read_document(name, seer.folder)["facts"]
    if as_json:
        emit_document({"name": name, **_told(seer), "facts": facts})
        return
    emit(f"{name}: {seer.summary}\nlicence: {seer.licence}")
    if facts:
        emit("\nhow it was made")
    for key, value in facts.items():
        emit(f"  {key:20} {value}")
