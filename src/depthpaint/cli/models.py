"""`depthpaint models`: list, show, download, verify and export models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from depthpaint.cli import completion
from depthpaint.cli.commands import PanelCommand, new_app
from depthpaint.cli.terminal import animated, emit, emit_document, emit_path, inform, warn
from depthpaint.core.errors import ErrorCode, ModelError, not_installed, printable, require_packages
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.export import write_diffusers_folder
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.models.hub import is_new, remember
from depthpaint.models.hub_files import HubPart
from depthpaint.models.registered import Details
from depthpaint.models.registry import find_model, on_hub, parts_to_pull, registered, registered_as

app = new_app(
    help="List, show, download, verify and export models.",
)
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        autocompletion=completion.all_models,
        help="A name of depthpaint models list, or the hub id OWNER/NAME of another model.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no licence and no progress.")]
NOT_WHOLE = 5


@app.command("list", cls=PanelCommand)
def list_models(as_json: AsJson = False) -> None:
    """List every model with a summary, its download size, and whether it is on this machine.

    Example: depthpaint models list --json
    """
    if as_json:
        rows = {f"{kind}s": [model.facts() for model in registered(kind)] for kind in ("model", "estimator")}
        emit_document(rows)
        return
    heading = ""
    for model in registered():
        if model.heading != heading:
            emit(model.heading if not heading else f"\n{model.heading}")
            heading = model.heading
        emit(f"{'*' if model.is_here() else ' '} {model.name:26}{model.line}")


@app.command(cls=PanelCommand)
def show(name: ModelName, as_json: AsJson = False) -> None:
    """Show a model's licence, default settings and origin; for diorama also the words it knows.

    \b
    Examples:
      depthpaint models show diorama
      depthpaint models show sd15
    """
    if (model := registered_as(name)) is not None:
        facts, details, licence = model.facts(), model.details(), model.licence
    else:
        entry = find_model(ModelChoice(model=name))
        habits, licence = asdict(entry.habits), entry.licence
        facts = {"name": name, "summary": entry.summary, "licence": licence}
        details = Details({"habits": habits, "facts": {}, "words": []}, sections={"habits": habits})
    if as_json:
        emit_document(facts | dict(details.document))
        return
    emit("\n".join([f"{name}: {facts['summary']}", f"licence: {licence}", *details.lines]))
    for title, column in details.sections.items():
        _emit_column(title, column)


@app.command(cls=PanelCommand)
def pull(name: ModelName, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Download a model's weights (safetensors only) into the cache of huggingface_hub.

    No other command downloads anything. A hub id may end in @REVISION.

    \b
    Examples:
      depthpaint models pull sd15
      depthpaint models pull depth-anything-v2-small
      depthpaint models pull owner/some-model@v1.1
    """  # fmt: skip
    model = on_hub(name)
    try:
        parts = parts_to_pull(model)
        _print_licence(name, parts, quiet=quiet)
        _warn_of_missing_packages(quiet=quiet)
        folders = model.pull(parts, bars=animated() and not quiet)
    except ModuleNotFoundError as error:
        raise not_installed(ModelError, error, "the hub", "sd") from error
    if as_json:
        rows = [
            {
                "repository": part.repository, "revision": part.revision or "main", "licence": part.licence,
                "folder": str(folder),
            }
            for part, folder in zip(parts, folders, strict=True)
        ]  # fmt: skip
        emit_document({"name": name, "parts": rows})
        return
    for folder in folders:
        emit_path(folder)


@app.command(cls=PanelCommand)
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Names of models. Default: all.", autocompletion=completion.all_models
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check the weights on this machine: every file is complete and, if its digest is known, unchanged.

    \b
    Examples:
      depthpaint models verify
      depthpaint models verify sd15 diorama
    """
    models = [on_hub(name) for name in names] if names else registered()
    rows = [model.checked() for model in models]
    if as_json:
        emit_document({"models": [asdict(row) for row in rows]})
    for row in rows if not as_json else ():
        emit(f"{row.name:26}{row.state}" + (f": {row.why}" if row.why else ""))
    if any(row.state == "damaged" or (names and row.state == "missing") for row in rows):
        raise typer.Exit(NOT_WHOLE)


@app.command(cls=PanelCommand)
def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Model to export: diorama.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write.")],
) -> None:
    """Write a model as a folder that diffusers can load.

    Example: depthpaint models export diorama exported-diorama
    """
    if name != DIORAMA.name:
        raise ModelError(
            f"'{printable(name)}' cannot be exported, because only {DIORAMA.name} can be",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"depthpaint models export {DIORAMA.name} {folder}",
            value=name,
        )
    emit_path(write_diffusers_folder(folder, DIORAMA))


def _warn_of_missing_packages(*, quiet: bool) -> None:
    """Say before a download what its use needs; it may be for another machine."""
    try:
        require_packages(("torch", "transformers"), "using it", "sd")
    except ModelError as error:
        warn(str(error), quiet=quiet)


def _print_licence(name: str, parts: Sequence[HubPart], *, quiet: bool) -> None:
    """Print size, page and licence before a download. A licence that was shown before is left out."""
    for part in parts:
        licence = f", licence: {part.licence}" if is_new(part) else ""
        inform(f"{name}: {part.megabytes} MB from {part.page}{licence}", quiet=quiet)
    if not quiet:
        remember(parts)


def _emit_column(title: str, column: Mapping[str, object] | Sequence[str]) -> None:
    lines = [f"{key:20} {value}" for key, value in column.items()] if isinstance(column, Mapping) else column
    if lines:
        emit("\n".join([f"\n{title}", *(f"  {line}" for line in lines)]))
