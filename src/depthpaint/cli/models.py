"""`depthpaint models`: list, show, download, verify and export models."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from depthpaint.cli import completion
from depthpaint.cli.commands import PanelCommand, new_app
from depthpaint.cli.model_sheet import (
    checked,
    emit_facts,
    emit_list,
    emit_preset,
    estimator_facts,
    everything,
    listed,
    preset_document,
)
from depthpaint.cli.terminal import animated, emit, emit_document, emit_path, inform
from depthpaint.core.errors import ErrorCode, ModelError, not_installed, printable
from depthpaint.core.regular_file import read_document
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.files import diorama_facts, tokenizer_file, write_diffusers_folder
from depthpaint.models.diorama.habits import DIORAMA
from depthpaint.models.estimators.registry import ESTIMATORS, HubEntry, ShippedEntry
from depthpaint.models.estimators.registry import pull as fetch_estimator
from depthpaint.models.hub import is_new, part_on_hub, remember
from depthpaint.models.hub import pull as fetch
from depthpaint.models.hub_files import HubPart, part_named
from depthpaint.models.registry import find_model
from depthpaint.models.stable_diffusion.places import OTHERWISE
from depthpaint.models.stable_diffusion.presets import KNOWN, PRESETS

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
        emit_document(listed())
    else:
        emit_list()


@app.command(cls=PanelCommand)
def show(name: ModelName, as_json: AsJson = False) -> None:
    """Show a model's licence, default settings and origin; for diorama also the words it knows.

    \b
    Examples:
      depthpaint models show diorama
      depthpaint models show sd15
    """
    if name in ESTIMATORS:
        _show_estimator(name, as_json=as_json)
        return
    if name in PRESETS:
        if as_json:
            emit_document(preset_document(name, PRESETS[name]))
        else:
            emit_preset(name, PRESETS[name])
        return
    entry = find_model(ModelChoice(model=name))
    built_in = entry.habits == DIORAMA
    facts = diorama_facts() if built_in else {}
    words: list[str] = []
    if built_in:
        # The import is late so that listing models does not load ONNX Runtime.
        from depthpaint.models.diorama.painter import Vocabulary

        words = Vocabulary(tokenizer_file()).words
    if as_json:
        emit_document({
            "name": name, "summary": entry.summary, "licence": entry.licence, "habits": asdict(entry.habits),
            "facts": facts, "words": words,
        })  # fmt: skip
        return
    emit(f"{name}: {entry.summary}\nlicence: {entry.licence}")
    emit_facts("habits", asdict(entry.habits))
    emit_facts("how it was made", facts)
    if words:
        emit(f"\nthe {len(words)} words it knows\n  {' '.join(words)}")


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
    try:
        if isinstance(entry := ESTIMATORS.get(name), HubEntry):
            _print_licence(name, [entry.part], quiet=quiet)
            folders = [fetch_estimator(name, entry, bars=animated() and not quiet)]
            parts = [entry.part]
        else:
            parts = _parts(name)
            _print_licence(name, parts, quiet=quiet)
            bars = animated() and not quiet
            folders = [fetch(f"the model {name}", part, OTHERWISE, bars=bars) for part in parts]
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
    rows = [checked(name) for name in names or everything()]
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


def _parts(name: str) -> list[HubPart]:
    """What to download for a name or a hub id."""
    if name in PRESETS:
        return PRESETS[name].parts
    if (part := part_named(name)) is not None:
        if part.repository in KNOWN:
            return [replace(KNOWN[part.repository], revision=part.revision)]
        return [part_on_hub(f"the model {name}", part.repository, OTHERWISE, part.revision)]
    known = [*PRESETS, *(key for key, estimator in ESTIMATORS.items() if isinstance(estimator, HubEntry))]
    raise ModelError(
        f"'{printable(name)}' is not a model to download",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy=f"choose one of {', '.join(known)}, or a hub id like owner/name; "
        "diorama and diorama-depth are in the package",
        value=name,
    )


def _print_licence(name: str, parts: list[HubPart], *, quiet: bool) -> None:
    """Print size, page and licence before a download. A licence that was shown before is left out."""
    for part in parts:
        licence = f", licence: {part.licence}" if is_new(part) else ""
        inform(f"{name}: {part.megabytes} MB from {part.page}{licence}", quiet=quiet)
    if not quiet:
        remember(parts)


def _show_estimator(name: str, *, as_json: bool) -> None:

    estimator = ESTIMATORS[name]
    facts: dict[str, object] = {}
    if isinstance(estimator, ShippedEntry):
        facts = read_document(name, estimator.folder)["facts"]
    if as_json:
        emit_document({"name": name, **estimator_facts(estimator), "facts": facts})
        return
    emit(f"{name}: {estimator.summary}\nlicence: {estimator.licence}")
    emit_facts("how it was made", facts)
