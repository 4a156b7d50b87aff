"""`depthpaint models`: what there is to paint with."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from depthpaint.cli.terminal import emit, emit_document, emit_path
from depthpaint.core.errors import ErrorCode, ModelError

app = typer.Typer(help="List, show and export models.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Name every model with a sentence about it.

    Example: depthpaint models list --json
    """
    from depthpaint.models.estimators.registry import ESTIMATORS
    from depthpaint.models.registry import MODELS

    if as_json:
        rows = [{"name": k, "summary": m.summary, "licence": m.licence} for k, m in MODELS.items()]
        seers = [{"name": k, "repository": e.repository, "licence": e.licence} for k, e in ESTIMATORS.items()]
        emit_document({"models": rows, "estimators": seers})
        return
    for name, entry in MODELS.items():
        emit(f"{name}  {entry.summary} ({entry.licence})")
    emit("\nfor --from-photo:")
    for name, seer in ESTIMATORS.items():
        emit(f"{name}  {seer.repository}, {seer.megabytes} MB to download ({seer.licence})")


@app.command()
def show(name: str, as_json: AsJson = False) -> None:
    """Say what a model is used to, how it was made and which words it knows.

    Example: depthpaint models show diorama
    """
    from depthpaint.models.diorama.files import FOLDER, diorama_facts
    from depthpaint.models.diorama.vocabulary import Vocabulary
    from depthpaint.models.registry import model_named

    entry = model_named(name)
    facts = diorama_facts()
    words = Vocabulary(FOLDER / "tokenizer.json").words
    if as_json:
        emit_document({
            "name": name, "summary": entry.summary, "licence": entry.licence, "habits": asdict(entry.habits),
            "facts": facts, "words": words,
        })  # fmt: skip
        return
    emit(f"{name}: {entry.summary}\nlicence: {entry.licence}\n\nhabits")
    for key, value in asdict(entry.habits).items():
        emit(f"  {key:20} {value}")
    emit("\nhow it was made")
    for key, value in facts.items():
        emit(f"  {key:20} {value}")
    emit(f"\nthe {len(words)} words it knows\n  {' '.join(words)}")


@app.command()
def pull(name: str) -> None:
    """Download a model's weights (safetensors only) into the hub's cache; nothing else ever downloads.

    Example: depthpaint models pull depth-anything-v2-small
    """
    from depthpaint.models.estimators.registry import ESTIMATORS, needs_extra

    if name not in ESTIMATORS:
        raise ModelError(
            f"there is nothing to download called '{name}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"choose one of {', '.join(ESTIMATORS)}; diorama is inside the package",
            value=name,
        )
    try:
        from depthpaint.models.estimators.hub import pull as fetch
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error
    emit_path(fetch(name, ESTIMATORS[name]))


@app.command()
def export(name: str, folder: Path) -> None:
    """Write a model as a diffusers folder, which stock diffusers loads.

    Example: depthpaint models export diorama exported-diorama
    """
    from depthpaint.models.diorama.folder import write_diffusers_folder
    from depthpaint.models.registry import model_named

    emit_path(write_diffusers_folder(folder, model_named(name).habits))
