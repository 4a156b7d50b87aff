"""What the commands of `depthpaint study` share: the request, the painted grid, data and report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthpaint.cli.terminal import as_utf8, bar, emit, emit_path, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from depthpaint.core.interval import Interval
    from depthpaint.engine import Engine
    from depthpaint.report.document import Document
    from depthpaint.request import Request
    from depthpaint.study.cell import Cell, Outcome


DATA, REPORT = "study.json", "report.html"


def begin(depth: Path, prompt: str, seed: int, fields: list[str] | None, out: Path) -> tuple[Engine, Request]:
    """The engine and the plain request that a study varies.

    Raises ParameterError for bad fields, for standard input, and where a package is missing that the report
    needs, and OutputError where nothing can be written into `out`.
    """
    from depthpaint.cli.destination import probe
    from depthpaint.cli.painting import make_engine
    from depthpaint.report.plots import require_plots

    _require_file(depth)
    require_plots()
    probe(out)
    return make_engine(), request_of(depth, prompt, seed, fields)


def _require_file(depth: Path) -> None:
    """Refuse standard input: other processes read the map, too, and later studies go on with it."""
    from depthpaint.core.errors import ErrorCode, ParameterError
    from depthpaint.inputs.regular_file import STDIN

    if str(depth) == STDIN:
        raise ParameterError(
            "a study reads its depth map many times, which standard input does not allow",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="save the map to a file, and name that",
        )


def request_of(depth: Path, prompt: str, seed: int, fields: list[str] | None) -> Request:
    """The request with further `fields`, each NAME=VALUE. Raises ParameterError."""
    from depthpaint.core.errors import ErrorCode, ParameterError
    from depthpaint.request import request_from

    values: dict[str, object] = {"depth": depth, "prompt": as_utf8(prompt), "seed": seed}
    for said in fields or ():
        name, equals, value = said.partition("=")
        if not equals:
            raise ParameterError(
                f"--set {said} is no FIELD=VALUE",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="such as model=sd15",
            )
        values[name.strip()] = value
    return request_from(values)


def painted(
    engine: Engine,
    cells: Sequence[Cell],
    out: Path,
    estimator: str | None,
    *,
    ray: str | None,
    workers: int | None,
    quiet: bool,
) -> list[Outcome]:
    """Paint and judge the grid, with a bar; what is there already is not painted again."""
    from depthpaint.cli.painters import painters_of
    from depthpaint.core.files import require_own
    from depthpaint.models.estimators.registry import DEFAULT
    from depthpaint.report.document import is_report
    from depthpaint.study.data import is_study_data
    from depthpaint.study.painting import paint_cells

    # What cannot be written at the end is refused at the beginning.
    require_own(out / DATA, is_study_data)
    require_own(out / REPORT, is_report)
    with painters_of(ray, workers, engine) as painters, bar("painting", len(cells), quiet=quiet) as step:
        return paint_cells(painters, engine, cells, out, estimator or DEFAULT, step)


def finish(
    document: Document,
    outcomes: Sequence[Outcome],
    findings: Sequence[Any],
    out: Path,
    cold: Mapping[str, Interval] | None = None,
) -> None:
    """Write data and report, say the verdicts."""
    from depthpaint.core.files import make_folder, replace_own
    from depthpaint.report.document import is_report
    from depthpaint.report.html import as_html
    from depthpaint.study.data import is_study_data, study_data

    make_folder(out)
    data = json.dumps(study_data(document, outcomes, findings, cold), indent=1, allow_nan=False) + "\n"
    replace_own(out / DATA, data.encode(), is_study_data)
    replace_own(out / REPORT, as_html(document).encode(), is_report)
    for line in document.summary:
        emit(line)
    for section in document.sections:
        for line in section.text:
            tell(line)
    emit_path(out / REPORT)


def title_of(what: str, depth: Path, prompt: str) -> str:
    """The report's title."""
    return f"{what}: {depth.name}, {as_utf8(prompt)}"
