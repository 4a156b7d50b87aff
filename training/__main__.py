"""`python -m training`: make diorama again, and score it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from depthpaint.cli.terminal import emit_document, inform
from depthpaint.core.errors import DepthpaintError
from training.agreement_study import compared, lines_of, painted_maps, painted_worlds, separation
from training.command import train_depth_estimator, train_diorama
from training.doctor_command import measure_doctor
from training.doctor_sheet import doctor_sheet
from training.scores.command import AREAS, evaluate_diorama

app = typer.Typer(
    help="Train the built-in models, and score them.", add_completion=False, pretty_exceptions_enable=False
)
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

    Example: python -m training diorama --minutes 480
    """
    train_diorama(folder, minutes, device, shards, start)


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

    Example: python -m training depth --minutes 120 --painted 4
    """
    train_depth_estimator(folder, minutes, shards, start, painted)


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

    Example: python -m training evaluate --worlds 200 --first 200
    """
    table = evaluate_diorama(folder, worlds, AREAS[area], model, first)
    inform(f"sheets: {folder / 'held-out.png'}, {folder / 'failures.png'} (painted, rendered, asked depth)")
    emit_document(table)


@app.command()
def doctor(
    worlds: Annotated[int, typer.Option(min=50, help="Worlds to fit on, and as many to score on.")] = 1000,
    sheet: Annotated[
        Path | None, typer.Option(help="Also draw files above what is understood of them.")
    ] = None,
) -> None:
    """Measure how well `inspect` tells near from far and reads colour maps, on rendered worlds.

    Example: python -m training doctor --worlds 300
    """
    if sheet is not None:
        doctor_sheet().save(sheet)
    emit_document(measure_doctor(worlds))


@app.command()
def agreement(
    worlds: Annotated[int, typer.Option(min=20, help="Held-out worlds to paint.")] = 150,
    maps: Annotated[
        Path | None, typer.Option(help="Folder of real maps, with prompts.csv (columns depth, prompt).")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A map that is left out, such as a second map of one scene.")
    ] = None,
    folder: Folder = RUN,
) -> None:
    """Measure how well the scores of `verify` tell a picture's own map from wrong ones.

    Example: python -m training agreement --worlds 150 --folder painted
    """
    folder.mkdir(parents=True, exist_ok=True)
    painted = (
        painted_worlds(worlds, folder) if maps is None else painted_maps(maps, folder, tuple(without or ()))
    )
    table = separation(compared(list(painted)))
    for line in lines_of(table):
        inform(line)
    emit_document(table)


if __name__ == "__main__":
    try:
        app()
    except DepthpaintError as error:
        sys.exit(str(error))
