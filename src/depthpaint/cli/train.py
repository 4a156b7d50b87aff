"""`depthpaint train`: make diorama again, and score it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import typer

from depthpaint.cli.terminal import emit_document, tell
from depthpaint.core.errors import ErrorCode, ModelError

app = typer.Typer(help="Train the built-in model (extra: train).")
Folder = Annotated[Path, typer.Option(help="Where the run lives: worlds, checkpoints, log, export.")]
Shards = Annotated[int, typer.Option(min=2, help="Worlds to render, in shards of 512.")]
Start = Annotated[
    Path | None,
    typer.Option(help="Begin with the weights of an exported folder: large pictures alone follow."),
]
RUN = Path("training-run")


@app.command()
def diorama(
    minutes: Annotated[float, typer.Option(min=0.1, help="The dial: minutes of training in all.")] = 480.0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    folder: Folder = RUN,
    shards: Shards = 90,
    start: Start = None,
) -> None:
    """Render worlds, train on them, export. Run it again after a stop: it goes on.

    Example: depthpaint train diorama --minutes 480
    """
    _training().train_diorama(folder, minutes, device, shards, start)


@app.command()
def depth(
    minutes: Annotated[float, typer.Option(min=0.1, help="The dial: minutes of training in all.")] = 120.0,
    folder: Folder = RUN,
    shards: Shards = 90,
    start: Start = None,
    painted: Annotated[
        int, typer.Option(min=0, help="Shards of 128 worlds to show as diorama paints them, too.")
    ] = 0,
) -> None:
    """Train diorama-depth, the built-in estimator, on the same worlds. Goes on after a stop, too.

    Example: depthpaint train depth --minutes 120 --painted 4
    """
    _training().train_depth_estimator(folder, minutes, shards, start, painted)


@app.command()
def evaluate(
    folder: Folder = RUN,
    worlds: Annotated[int, typer.Option(min=1, help="Held-out worlds to paint.")] = 200,
    area: Annotated[
        Literal["small", "large"], typer.Option(help="About 128 or 256 pixels a side.")
    ] = "large",
    model: Annotated[Path | None, typer.Option(help="An exported folder other than the run's own.")] = None,
    first: Annotated[
        int, typer.Option(min=0, help="Number of the first world: others for choosing than for telling.")
    ] = 0,
) -> None:
    """Score the run's export, or the shipped model, on worlds that it never saw; write table and sheet.

    Example: depthpaint train evaluate --worlds 200 --first 200
    """
    scores = _training("scores.command")
    table = scores.evaluate_diorama(folder, worlds, scores.AREAS[area], model, first)
    tell(f"sheets: {folder / 'held-out.png'}, {folder / 'failures.png'} (painted, rendered, asked depth)")
    emit_document(table)


@app.command()
def doctor(
    worlds: Annotated[int, typer.Option(min=50, help="Worlds to fit on, and as many to score on.")] = 1000,
    sheet: Annotated[
        Path | None, typer.Option(help="Also draw files above what is understood of them.")
    ] = None,
) -> None:
    """Measure how well `inspect` tells near from far and reads colour maps, on rendered worlds.

    Example: depthpaint train doctor --worlds 300
    """
    if sheet is not None:
        _training("doctor_sheet").doctor_sheet().save(sheet)
    emit_document(_training("doctor_command").measure_doctor(worlds))


def _training(name: str = "command") -> ModuleType:
    from depthpaint.models.hub_environment import require_sound_environment

    require_sound_environment()
    try:
        return import_module(f"depthpaint.training.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("depthpaint"):
            raise
        raise ModelError(
            f"training needs {error.name}, which is not installed",
            code=ErrorCode.MODEL_INCOMPATIBLE,
            remedy="pip install 'depthpaint[train]'",
        ) from error
