"""`depthpaint bench`: the time that a picture takes, compared with another program."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import typer

from depthpaint.bench import command, contest
from depthpaint.cli import completion, options
from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.geometry import Extent
from depthpaint.models.diorama.family import DIORAMA

PEERS = ("diffusers", "pillow")


@dataclass(frozen=True, slots=True)
class StepTiming:
    """How the steps of a Stable Diffusion model are timed; without `model` they are not."""

    model: str | None
    control: str | None
    steps: int
    pictures: int
    device: str
    precision: str
    compiled: bool


def step_timing_of(
    model: Annotated[
        str | None,
        typer.Option(help="With --vs diffusers: time the steps of this model folder instead of diorama."),
    ] = None,
    control: Annotated[
        str | None, typer.Option(help="With --model: the folder of its depth ControlNet.")
    ] = None,
    steps: Annotated[
        int,
        typer.Option(min=3, help="With --model: steps per picture, an odd number; the first is not timed."),
    ] = 5,
    pictures: Annotated[
        int,
        typer.Option(min=1, help="With --model: pictures per process; of several, the first is not timed."),
    ] = 2,
    device: options.DeviceOption = "cpu",
    precision: options.PrecisionOption = "fp32",
    compiled: options.Compile = False,
) -> StepTiming:
    """How to time the steps of a model."""
    return StepTiming(model, control, steps, pictures, device, precision, compiled)


TIMING = options.group_of(step_timing_of)


@options.grouped
def bench(
    vs: Annotated[
        str | None,
        typer.Option(
            help="diffusers: paint the same with diffusers (extra: sd). pillow: read a large depth map.",
            autocompletion=completion.words(PEERS),
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Size of the picture. Default: 256x256; with --model 512x512."),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(min=4, help="With --vs diffusers: paint so many rows, as a batch and in a loop."),
    ] = None,
    timing: StepTiming = TIMING,
    repeats: Annotated[
        int, typer.Option(min=1, help="Timed processes of each program, after one that is not timed.")
    ] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON document only, no table.")] = False,
) -> None:
    """Time whole processes and pictures of a loaded model: a table on stderr, a JSON document on stdout.

    \b
    Examples:
      depthpaint bench --vs diffusers
      depthpaint bench --vs diffusers --rows 50 --repeats 3
      depthpaint bench --vs diffusers --model sd15-folder --control control-folder --repeats 2
    """
    _require_peer(vs)
    _require_combination(vs, rows, timing)
    side = _side(size, timing)
    if timing.model is not None and timing.control is not None:
        options.runtime_of(timing.device, timing.precision)  # refuses unknown words
        command.bench_steps(
            timing.model, timing.control, size or "512x512", timing.steps, timing.pictures, repeats,
            device=timing.device, precision=timing.precision, compiled=timing.compiled,
        )  # fmt: skip
    elif rows is not None:
        command.bench_rows(rows, side, repeats, as_json)
    elif vs == "pillow":
        command.bench_inspection(repeats, as_json)
    else:
        command.bench(vs, repeats, as_json, side)


def _require_peer(vs: str | None) -> None:
    """Raise an error for a program that is unknown or not installed."""
    if vs not in (None, *PEERS):
        raise ParameterError(
            f"--vs '{vs}' is not known",
            code=ErrorCode.INVALID_PARAMETER,
            value=vs,
            remedy="use --vs diffusers or --vs pillow, or leave it out",
        )
    if vs == "diffusers":
        contest.require_peers()


def _require_combination(vs: str | None, rows: int | None, timing: StepTiming) -> None:
    """Raise ParameterError for options that do not go together."""
    model, control = timing.model, timing.control
    if (model is None) != (control is None) or (model is not None and vs != "diffusers"):
        raise ParameterError(
            "--model and --control are for timing steps against diffusers",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give --vs diffusers, --model FOLDER and --control FOLDER together",
        )
    if rows is not None and (vs != "diffusers" or model is not None):
        raise ParameterError(
            "--rows is for the built-in model against diffusers",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give --vs diffusers and --rows without --model",
        )
    if timing.steps % 2 == 0:
        raise ParameterError(
            f"--steps must be odd, not {timing.steps}: without the first step, half of them use the depth",
            code=ErrorCode.INVALID_PARAMETER,
            value=timing.steps,
            remedy=f"--steps {timing.steps + 1}",
        )


def _side(size: str | None, timing: StepTiming) -> int:
    """The side of the picture. Raises ParameterError for a size that cannot be compared fairly."""
    # At square sizes both programs do the same work; at others depthpaint resizes the picture at the end.
    trained = math.isqrt(DIORAMA.trained_area)
    side, height = Extent.parse(size) if size else Extent(trained, trained)
    if timing.model is None and (side != height or not 64 <= side <= 1024):
        raise ParameterError(
            f"the built-in model's benchmark needs a square of 64 to 1024 pixels, not {side}x{height}",
            code=ErrorCode.INVALID_PARAMETER,
            value=size,
            remedy="--size 256x256",
        )
    return side
