"""`depthpaint models`: what there is to paint with."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from depthpaint.cli.terminal import emit, emit_document, emit_path
from depthpaint.core.errors import ErrorCode, ModelError, printable

if TYPE_CHECKING:
    from depthpaint.models.estimators.registry import HubEntry, ShippedEntry

app = typer.Typer(help="List, show, pull and export models.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Name every model with a sentence about it.

    Example: depthpaint models list --json
    """
    from depthpaint.models.estimators.registry import DEFAULT, ESTIMATORS
    from depthpaint.models.registry import MODELS

    if as_json:
        rows = [{"name": k, "summary": m.summary, "licence": m.licence} for k, m in MODELS.items()]
        seers = [{"name": name, **_told(seer)} for name, seer in ESTIMATORS.items()]
        emit_document({"models": rows, "estimators": seers})
        return
    for name, entry in MODELS.items():
        emit(f"{name}  {entry.summary} ({entry.licence})")
    emit("\nfor --from-photo:")
    for name, seer in ESTIMATORS.items():
        default = ", the default" if name == DEFAULT else ""
        emit(f"{name}  {seer.summary} ({seer.licence}{default})")


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

    if name in ESTIMATORS:
        _show_estimator(name, as_json=as_json)
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
def pull(name: str) -> None:
    """Download a model's weights (safetensors only) into the hub's cache; nothing else ever downloads.

    Example: depthpaint models pull depth-anything-v2-small
    """
    from depthpaint.models.estimators.registry import ESTIMATORS, HubEntry, needs_extra

    entry = ESTIMATORS.get(name)
    if not isinstance(entry, HubEntry):
        known = ", ".join(key for key, seer in ESTIMATORS.items() if isinstance(seer, HubEntry))
        raise ModelError(
            f"there is nothing to download called '{name}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"choose one of {known}; diorama and diorama-depth are inside the package",
            value=name,
        )
    try:
        from depthpaint.models.estimators.hub import pull as fetch
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error
    emit_path(fetch(name, entry))


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
