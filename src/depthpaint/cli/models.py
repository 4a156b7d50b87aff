"""`depthpaint models`: what there is to paint with."""

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
    everything,
    listed,
    preset_document,
    told,
)
from depthpaint.cli.terminal import animated, emit, emit_document, emit_path, inform
from depthpaint.core.errors import ErrorCode, ModelError, not_installed, printable
from depthpaint.core.regular_file import read_document
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.files import diorama_facts, tokenizer_file, write_diffusers_folder
from depthpaint.models.diorama.habits import DIORAMA
from depthpaint.models.diorama.painter import Vocabulary
from depthpaint.models.estimators.registry import ESTIMATORS, HubEntry, ShippedEntry
from depthpaint.models.estimators.registry import pull as fetch_estimator
from depthpaint.models.hub import is_new, part_on_hub, remember
from depthpaint.models.hub import pull as fetch
from depthpaint.models.hub_files import HubPart, part_named
from depthpaint.models.registry import find_model
from depthpaint.models.stable_diffusion.places import OTHERWISE
from depthpaint.models.stable_diffusion.presets import KNOWN, PRESETS

app = new_app(
    help="List, show, pull, verify and export models.",
)
ModelName = Annotated[str, typer.Argument(autocompletion=completion.all_models)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
MODEL_TROUBLE = 5


@app.command("list", cls=PanelCommand)
def list_models(as_json: AsJson = False) -> None:
    """Name every model with a sentence about it, what it takes to download, and whether it is here.

    Example: depthpaint models list --json
    """
    if as_json:
        emit_document(listed())
    else:
        emit_list()


@app.command(cls=PanelCommand)
def show(name: ModelName, as_json: AsJson = False) -> None:
    """Say what a model is used to, where it is from or how it was made, and which words it knows.

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
    words = Vocabulary(tokenizer_file()).words if built_in else []
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
    """Download a model's weights (safetensors only) into the hub's cache; nothing else ever downloads.

    \b
    Examples:
      depthpaint models pull sd15
      depthpaint models pull depth-anything-v2-small
      depthpaint models pull somebody/some-model@v1.1
    """  # fmt: skip
    try:
        if isinstance(entry := ESTIMATORS.get(name), HubEntry):
            _tell_licence(name, [entry.part], quiet=quiet)
            folders = [fetch_estimator(name, entry, bars=animated() and not quiet)]
            parts = [entry.part]
        else:
            parts = _parts(name)
            _tell_licence(name, parts, quiet=quiet)
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
        typer.Argument(metavar="[NAME]...", help="Without one, all.", autocompletion=completion.all_models),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check the weights that are on this machine: every file whole, and of its digest where that is known.

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
        raise typer.Exit(MODEL_TROUBLE)


@app.command(cls=PanelCommand)
def export(name: str, folder: Path) -> None:
    """Write a model as a diffusers folder, which stock diffusers loads.

    Example: depthpaint models export diorama exported-diorama
    """
    if name != DIORAMA.name:
        raise ModelError(
            f"'{printable(name)}' cannot be exported: only {DIORAMA.name} has another layout than diffusers'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"depthpaint models export {DIORAMA.name} {folder}",
            value=name,
        )
    emit_path(write_diffusers_folder(folder, DIORAMA))


def _parts(name: str) -> list[HubPart]:
    """What is downloaded for a name or a hub id."""
    if name in PRESETS:
        return PRESETS[name].parts
    if (part := part_named(name)) is not None:
        if part.repository in KNOWN:
            return [replace(KNOWN[part.repository], revision=part.revision)]
        return [part_on_hub(f"the model {name}", part.repository, OTHERWISE, part.revision)]
    known = [*PRESETS, *(key for key, seer in ESTIMATORS.items() if isinstance(seer, HubEntry))]
    raise ModelError(
        f"there is nothing to download called '{printable(name)}'",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy=f"choose one of {', '.join(known)}, or a hub id like owner/name; "
        "diorama and diorama-depth are inside the package",
        value=name,
    )


def _tell_licence(name: str, parts: list[HubPart], *, quiet: bool) -> None:
    """Before anything is fetched; a licence that was shown at an earlier pull is not told again."""
    for part in parts:
        licence = f", licence: {part.licence}" if is_new(part) else ""
        inform(f"{name}: {part.megabytes} MB from {part.page}{licence}", quiet=quiet)
    if not quiet:
        remember(parts)


def _show_estimator(name: str, *, as_json: bool) -> None:

    seer = ESTIMATORS[name]
    facts: dict[str, object] = {}
    if isinstance(seer, ShippedEntry):
        facts = read_document(name, seer.folder)["facts"]
    if as_json:
        emit_document({"name": name, **told(seer), "facts": facts})
        return
    emit(f"{name}: {seer.summary}\nlicence: {seer.licence}")
    emit_facts("how it was made", facts)
