"""`depthpaint report`: the pictures of a folder and their records as an HTML page, a PDF, or both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from depthpaint.cli import painting
from depthpaint.cli.terminal import as_utf8, bar, emit_path, warn
from depthpaint.core.errors import DepthpaintError, printable
from depthpaint.core.files import make_folder, name_of, replace_own, require_own
from depthpaint.core.installation import command_for
from depthpaint.record.flat_table import csv_of, is_table
from depthpaint.record.paths import probe
from depthpaint.record.picture_source import pixels_of, recorded_depth
from depthpaint.report.account import (
    Gathered,
    Painted,
    account,
    gather,
    picture_files,
    sheets_in,
    worth_seeing,
)
from depthpaint.report.document import Document, Shown, as_html, as_pdf, is_report, require_writers
from depthpaint.report.plots import has_plots
from depthpaint.report.shown import shown, thumbnail
from depthpaint.verification.agreement import agreement_with, error_map

MOST_SHOWN = 200
SHEET_SIDE = 1600
"""Pixels of the longer side of a contact sheet."""
MOST_WARNINGS = 20
NAME = "report"


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with pictures of generate or batch.")],
    html: Annotated[bool, typer.Option("--html", help="Write report.html. This is the default.")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write report.pdf.")] = False,
    table: Annotated[
        bool,
        typer.Option("--csv", help="Write report.csv: a line for each picture, with settings and scores."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the report. Default: DIR.")] = None,
    title: Annotated[
        str | None, typer.Option(help="Title of the report. Default: the folder's name.")
    ] = None,
    pictures: Annotated[
        int,
        typer.Option(
            min=0,
            help="Most pictures to show. If there are more: those whose depth agrees least, and a sample.",
        ),
    ] = MOST_SHOWN,
    depth: Annotated[
        Path | None, typer.Option(help="The folder that holds the depth maps, if they were moved.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no warnings.")] = False,
) -> None:
    """Make a report of painted pictures: depth agreement, time, and each picture with its map and settings.

    \b
    Examples:
      depthpaint report output_images
      depthpaint report output_images --html --pdf --title "Rooms, autumn"
    """  # fmt: skip
    target = folder if out is None else out
    html = html or not (pdf or table)
    wanted = [".html"] * html + [".pdf"] * pdf + [".csv"] * table
    for suffix in wanted:
        require_own(_path(target, suffix), _is_own)
    require_writers(html=html, pdf=pdf)
    probe(target)
    with bar("reading records", len(picture_files(folder)), quiet=quiet) as step:
        gathered = gather(folder, step)
    if table:
        records = ((one.path.relative_to(folder).as_posix(), one.record) for one in gathered.painted)
        _save(csv_of(records), target, ".csv")
    if not (html or pdf):
        return
    if not has_plots():
        how = f"install it with {command_for('report')}"
        warn(f"the plots are left out, because matplotlib is not installed; {how}", quiet=quiet)
    name = as_utf8(title) if title else f"Pictures of {name_of(folder)}"
    document = _document(gathered, folder, name, pictures, depth, quiet=quiet)
    if html:
        _save(as_html(document).encode(), target, ".html")
    if pdf:
        _save(as_pdf(document), target, ".pdf")


def _is_own(proof: bytes) -> bool:
    return is_report(proof) or is_table(proof)


def _document(
    gathered: Gathered, folder: Path, title: str, most: int, maps: Path | None, *, quiet: bool
) -> Document:
    chosen = worth_seeing(gathered.painted, most)
    estimates = Estimates(maps)
    panels: list[Shown | None] = []
    with bar("reading pictures", len(chosen), quiet=quiet) as step:
        for one in chosen:
            panels.append(shown(one, one.path.relative_to(folder).as_posix(), maps, estimates.panels))
            step()
    for path, why in gathered.left_out[:MOST_WARNINGS]:
        warn(f"{printable(str(path))} is left out: {why}", quiet=quiet)
    if (more := len(gathered.left_out) - MOST_WARNINGS) > 0:
        warn(f"{more:,} more files are left out", quiet=quiet)
    for one in (one for one, each in zip(chosen, panels, strict=True) if each is None):
        warn(f"{printable(str(one.path))} is not shown: its pixels cannot be read", quiet=quiet)
    if estimates.failures:
        number, first = len(estimates.failures), estimates.failures[0]
        warn(f"the depth of {number:,} pictures could not be estimated again: {first}", quiet=quiet)
    sheets = [
        Shown({"sheet": thumbnail(pixels_of(path), SHEET_SIDE)}, path.name) for path in sheets_in(folder)
    ]
    return account(gathered, [one for one in panels if one is not None], title, sheets)


class Estimates:
    """Estimates the depth of verified pictures again, because their records hold scores only."""

    def __init__(self, maps: Path | None) -> None:
        self._engine, self._maps = painting.make_engine(), maps
        self.failures: list[DepthpaintError] = []

    def panels(self, painted: Painted, pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """The comparison image (H, 4 W, 3) of `verify --maps`; None with a new failure."""
        record = painted.record
        if record.agreement is None:
            return None
        try:
            source = recorded_depth(record, painted.path, self._maps)
            depth = self._engine.read(source, record.settings.reading)
            judge = record.agreement.estimator
            return error_map(agreement_with(self._engine, depth, record.settings.fit, pixels, judge))
        except DepthpaintError as error:
            self.failures.append(error)
            return None


def _path(folder: Path, suffix: str) -> Path:
    return folder / f"{NAME}{suffix}"


def _save(data: bytes, folder: Path, suffix: str) -> None:

    make_folder(folder)
    # It replaces an earlier report, but no other file.
    replace_own(_path(folder, suffix), data, _is_own)
    emit_path(_path(folder, suffix))
