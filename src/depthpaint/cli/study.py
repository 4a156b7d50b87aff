"""`depthpaint study`: measure aspect ratio, strength and latency; write data, a report and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from depthpaint.batch.ray_painters import painters_of
from depthpaint.cli import options, painting
from depthpaint.cli.commands import PanelCommand, new_app
from depthpaint.cli.config import user_config
from depthpaint.cli.options import RayCluster, estimator_of
from depthpaint.cli.terminal import as_utf8, bar, emit, emit_path, inform, warn
from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.files import make_folder, replace_own, require_own
from depthpaint.core.regular_file import STDIN
from depthpaint.core.statistics import Interval
from depthpaint.engine import Engine
from depthpaint.record.paths import probe
from depthpaint.report.document import Document, as_html, is_report
from depthpaint.report.plots import require_plots
from depthpaint.request import Request, request_from
from depthpaint.study.aspect import (
    aspect_cells,
    aspect_findings,
    distinct_ratios,
    least_that_reaches,
    strength_cells,
    strength_findings,
)
from depthpaint.study.documents import aspect_document, latency_document, strength_document
from depthpaint.study.latency import cold, levers_of, measure, within
from depthpaint.study.painting import Cell, Outcome, is_study_data, paint_cells, study_data

DATA, REPORT = "study.json", "report.html"


def begin(depth: Path, prompt: str, seed: int, fields: list[str] | None, out: Path) -> tuple[Engine, Request]:
    """The engine and the plain request that a study varies.

    Raises ParameterError for bad fields, for standard input, and for a missing package of the report;
    OutputError if `out` cannot be written.
    """
    _require_file(depth)
    require_plots()
    probe(out)
    return painting.make_engine(), request_of(depth, prompt, seed, fields)


def _require_file(depth: Path) -> None:
    """Refuse standard input: other processes read the map, too, and a study can be continued later."""
    if str(depth) == STDIN:
        raise ParameterError(
            "a study reads its depth map many times, which standard input does not allow",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="save the map to a file, and give its path",
        )


def request_of(depth: Path, prompt: str, seed: int, fields: list[str] | None) -> Request:
    """The request with more `fields`, each NAME=VALUE. Raises ParameterError."""
    values = {"depth": depth, "prompt": as_utf8(prompt), "seed": seed, **user_config().settings()}
    for text in fields or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise ParameterError(
                f"--set {text} is not FIELD=VALUE",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="for example: --set model=sd15",
            )
        values[name.strip()] = value
    return request_from(values)


def painted(
    engine: Engine,
    cells: Sequence[Cell],
    out: Path,
    estimator: str | None,
    *,
    ray: RayCluster,
    quiet: bool,
) -> list[Outcome]:
    """Paint and verify the cells, with a progress bar. Cells of an earlier run are not painted again."""
    # Check before painting that the results can be saved.
    require_own(out / DATA, is_study_data)
    require_own(out / REPORT, is_report)
    with (
        painters_of(ray.address, ray.workers, engine) as painters,
        bar("painting", len(cells), quiet=quiet) as step,
    ):
        return paint_cells(painters, engine, cells, out, estimator_of(estimator), step)


def finish(
    document: Document,
    outcomes: Sequence[Outcome],
    findings: Sequence[Any],
    out: Path,
    cold: Mapping[str, Interval] | None = None,
) -> None:
    """Write data and report, and print the results."""
    make_folder(out)
    data = json.dumps(study_data(document, outcomes, findings, cold), indent=1, allow_nan=False) + "\n"
    replace_own(out / DATA, data.encode(), is_study_data)
    replace_own(out / REPORT, as_html(document).encode(), is_report)
    for line in document.summary:
        emit(line)
    for section in document.sections:
        for line in section.text:
            inform(line)
    emit_path(out / REPORT)


def title_of(what: str, depth: Path, prompt: str) -> str:
    """The report's title."""
    return f"{what}: {depth.name}, {as_utf8(prompt)}"


app = new_app(
    help="Measure the effect of aspect ratio, control strength and speed settings, with error bars.",
    no_args_is_help=True,
)

Depth = Annotated[
    Path, typer.Argument(metavar="DEPTH", help="Depth map of any kind: PNG, TIFF, EXR, NPY, ...")
]
Seed = Annotated[int, typer.Option(help="Seed of the first picture.")]
Seeds = Annotated[
    int, typer.Option(min=2, max=1000, help="Seeds per variant. More seeds give smaller error bars.")
]
Out = Annotated[Path, typer.Option(help="Folder for pictures, study.json and report.html.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="Set a field of the request, like model=sd15 or sampler=euler. May be repeated.",
    ),
]


@app.command(cls=PanelCommand)
@options.grouped
def aspect(  # noqa: PLR0913 - one parameter a flag
    depth: Depth,
    prompt: options.Prompt,
    ratios: Annotated[
        str, typer.Option(help="Aspect ratios, separated by commas. 1:1 is always added.")
    ] = "1:3,1:2,2:3,1:1,3:2,2:1,3:1",
    seeds: Seeds = 8,
    seed: Seed = 12345,
    fields: Set = None,
    verify_with: options.VerifyWith = None,
    ray: RayCluster = options.RAY,
    out: Out = Path("aspect-study"),
    quiet: options.Quiet = False,
) -> None:
    """Paint the same scene at many aspect ratios with the same area, and compare each with 1:1.

    Each ratio is made by crop, pad, stretch and letterbox.

    \b
    Examples:
      depthpaint study aspect depth.png "a bedroom" --seeds 8 --out aspect
      depthpaint study aspect depth.png "a bedroom" --seeds 32 --ray local --workers 8
    """  # fmt: skip
    engine, request = begin(depth, prompt, seed, fields, out)
    chosen, warnings = distinct_ratios([ratio for ratio in ratios.split(",") if ratio.strip()])
    for warning in warnings:
        warn(warning, quiet=quiet)
    for ratio in chosen:
        request_of(depth, prompt, seed, [*(fields or ()), f"aspect={ratio}"])
    cells = aspect_cells(request, engine.prepare(request).depth, out / "depths", ratios=chosen, seeds=seeds)
    outcomes = painted(engine, cells, out, verify_with, ray=ray, quiet=quiet)
    findings = aspect_findings(outcomes)
    finish(
        aspect_document(title_of("Aspect ratio", depth, prompt), findings, outcomes), outcomes, findings, out
    )


@app.command(cls=PanelCommand)
@options.grouped
def strength(  # noqa: PLR0913 - one parameter a flag
    depth: Depth,
    prompt: options.Prompt,
    wanted: Annotated[
        float,
        typer.Option(min=-1, max=1, help="Depth agreement to reach with as little strength as possible."),
    ] = 0.6,
    seeds: Seeds = 8,
    seed: Seed = 12345,
    fields: Set = None,
    verify_with: options.VerifyWith = None,
    ray: RayCluster = options.RAY,
    out: Out = Path("strength-study"),
    quiet: options.Quiet = False,
) -> None:
    """Measure how strength trades depth agreement for variety, and find the least strength that agrees.

    \b
    Examples:
      depthpaint study strength depth.png "a bedroom" --wanted 0.6
    """  # fmt: skip
    engine, request = begin(depth, prompt, seed, fields, out)
    outcomes = painted(engine, strength_cells(request, seeds=seeds), out, verify_with, ray=ray, quiet=quiet)
    findings = strength_findings(outcomes)
    enough = least_that_reaches(findings, wanted)
    advice = (
        f"No strength reaches a depth agreement of {wanted:g}."
        if enough is None
        else f"The least strength that reaches {wanted:g}: --strength {enough.strength:g} "
        f"--control-window {enough.window} (depth agreement {enough.depth_agreement})."
    )
    document = strength_document(title_of("Strength", depth, prompt), findings, outcomes, advice)
    finish(document, outcomes, findings, out)


@app.command(cls=PanelCommand)
def latency(  # noqa: PLR0913 - one parameter a flag
    depth: Depth,
    prompt: options.Prompt,
    budget: Annotated[
        float | None, typer.Option(min=0, help="Seconds per picture. Prints the settings that stay below.")
    ] = None,
    seeds: Seeds = 4,
    repeats: Annotated[
        int, typer.Option(min=1, max=100, help="How often each seed is painted with each setting.")
    ] = 3,
    cold_runs: Annotated[
        int,
        typer.Option(
            "--cold",
            min=0,
            max=100,
            help="Fresh processes to measure, for the time to start and load. 0: none.",
        ),
    ] = 3,
    seed: Seed = 12345,
    fields: Set = None,
    verify_with: options.VerifyWith = None,
    out: Out = Path("latency-study"),
    quiet: options.Quiet = False,
) -> None:
    """Measure where the time of a picture goes, what each setting saves, and how it changes the picture.

    \b
    Examples:
      depthpaint study latency depth.png "a bedroom" --budget 2
    """  # fmt: skip
    engine, request = begin(depth, prompt, seed, fields, out)
    levers = levers_of(engine.prepare(request).plan)
    with bar("measuring", len(levers) * (1 + seeds * repeats), quiet=quiet) as step:
        measured = measure(
            engine,
            request,
            levers,
            seeds=seeds,
            repeats=repeats,
            estimator=options.estimator_of(verify_with),
            on_painted=step,
        )
    record = measured[0].record
    with bar("measuring fresh processes", 1, quiet=quiet):
        processes = cold(record, depth, cold_runs) if record is not None and cold_runs else {}
    advice = ""
    if budget is not None:
        best = within(measured, budget)
        advice = (
            f"No setting takes at most {budget:g} s."
            if best is None
            else f"Within {budget:g} s: {best.lever.name} ({best.time} s a picture)."
        )
    document = latency_document(title_of("Latency", depth, prompt), measured, processes, advice)
    finish(document, (), measured, out, processes)
