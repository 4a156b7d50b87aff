"""`depthpaint bench`: what a picture costs in time, beside a peer."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from depthpaint.bench import command, contest
from depthpaint.cli import completion, options
from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.geometry import Extent
from depthpaint.models.diorama.habits import DIORAMA

PEERS = ("diffusers", "pillow")


def bench(  # noqa: PLR0913 - one parameter a flag
    vs: Annotated[
        str | None,
        typer.Option(
            help="diffusers: paint beside it (extra: sd). pillow: read a large map.",
            autocompletion=completion.words(PEERS),
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="With --vs diffusers: time the steps of this folder's model instead.")
    ] = None,
    control: Annotated[str | None, typer.Option(help="Its depth ControlNet, a folder.")] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Pixels of the picture: as diorama was trained, for a folder's steps 512x512."),
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=4, help="With --vs diffusers: so many rows by batch and by a loop.")
    ] = None,
    steps: Annotated[
        int, typer.Option(min=3, help="Steps of a picture, an odd number; the first is not counted.")
    ] = 5,
    pictures: Annotated[
        int, typer.Option(min=1, help="Of a process; the first of several is not counted.")
    ] = 2,
    device: options.DeviceOption = "cpu",
    precision: options.PrecisionOption = "fp32",
    compiled: options.Compile = False,
    repeats: Annotated[int, typer.Option(min=1, help="Whole processes a side, after one warm-up.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON document alone.")] = False,
) -> None:
    """Time whole processes and loaded pictures; a table on stderr, one JSON document on stdout.

    \b
    Examples:
      depthpaint bench --vs diffusers
      depthpaint bench --vs diffusers --rows 50 --repeats 3
      depthpaint bench --vs diffusers --model sd15-folder --control control-folder --repeats 2
    """
    if vs not in (None, *PEERS):
        raise ParameterError(
            f"there is no peer '{vs}'",
            code=ErrorCode.INVALID_PARAMETER,
            value=vs,
            remedy="--vs diffusers, --vs pillow, or leave it out",
        )
    if vs == "diffusers":
        contest.require_peers()
    if (model is None) != (control is None) or (model is not None and vs != "diffusers"):
        raise ParameterError(
            "steps are timed of a model with its control network, beside diffusers",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give --vs diffusers, --model FOLDER and --control FOLDER together",
        )
    if rows is not None and (vs != "diffusers" or model is not None):
        raise ParameterError(
            "rows are painted with the built-in model, beside diffusers",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give --vs diffusers and --rows without --model",
        )
    # There both sides do the same: at others depthpaint paints the trained area, then resizes.
    trained = math.isqrt(DIORAMA.trained_area)
    side, height = Extent.parse(size) if size else Extent(trained, trained)
    if model is None and (side != height or not 64 <= side <= 1024):
        raise ParameterError(
            f"the built-in model's benchmark is a square of 64 to 1024 pixels, not {side}x{height}",
            code=ErrorCode.INVALID_PARAMETER,
            value=size,
            remedy="--size 256x256",
        )
    if steps % 2 == 0:
        raise ParameterError(
            f"{steps} steps but the first have no half",
            code=ErrorCode.INVALID_PARAMETER,
            value=steps,
            remedy=f"--steps {steps + 1}",
        )
    if model is not None and control is not None:
        options.runtime_of(device, precision)
        command.bench_steps(
            model,
            control,
            size or "512x512",
            steps,
            pictures,
            repeats,
            device=device,
            precision=precision,
            compiled=compiled,
        )
    elif rows is not None:
        command.bench_rows(rows, side, repeats, as_json)
    elif vs == "pillow":
        command.bench_inspection(repeats, as_json)
    else:
        command.bench(vs, repeats, as_json, side)
