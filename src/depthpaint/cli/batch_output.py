"""What a batch prints: paths on stdout; progress, errors and a summary on stderr; or one JSON document."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from time import monotonic

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from depthpaint.batch.manifest import Manifest
from depthpaint.batch.painting import Painted
from depthpaint.batch.progress import Listener, Tally
from depthpaint.batch.survey import MOST_LISTED, Survey
from depthpaint.cli.painting import agreement_line
from depthpaint.cli.remedies import for_command
from depthpaint.cli.terminal import animated, emit, emit_document, emit_path, inform, live, warn
from depthpaint.core.errors import DepthpaintError
from depthpaint.core.files import name_of
from depthpaint.depth.slopes import CHANCE

EVERY = 30.0
"""Seconds between two lines of progress where no bar can be drawn."""


class BatchOutput:
    """Prints the progress and the results of a batch. It keeps the first MOST_LISTED failures."""

    def __init__(self, manifest: Manifest, *, quiet: bool, as_json: bool) -> None:
        self._unit, self._path = manifest.unit, manifest.path
        self._quiet, self._as_json = quiet, as_json
        self._sheets: list[str] | None = None
        self._failures: list[dict[str, object]] = []
        self._more_failures_noted = False
        self._warned: set[str] = set()
        self._show: Callable[[Tally, float | None], None] = _nothing
        self._last_line = monotonic()
        self.listener = Listener(self._picture, self._failure, self._advance)

    @contextmanager
    def painting(self, found: Survey) -> Generator[None]:
        """Show a bar on a terminal, a line every EVERY seconds elsewhere."""
        if self._quiet:
            yield
            return
        if not animated():
            self._show = lambda tally, left: self._print_progress(found, tally, left)
            yield
            return

        columns = (
            TextColumn("painting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
        )
        with live(*columns) as bar:
            task = bar.add_task("", total=found.pictures)
            self._show = lambda tally, left: bar.update(
                task, completed=tally.done, description=time_left(left)
            )
            try:
                yield
            finally:
                self._show = _nothing

    def problems(self, found: Survey) -> None:
        """Print every row's error, then how many rows have one."""
        for problem in found.problems:
            error = for_command(problem.error)
            self._keep(problem.line, error)
            inform(f"{self._place(problem.line)}: {error}")
        if (more := found.bad_rows - len(found.problems)) > 0:
            inform(f"and {more:,} more rows")
        inform(f"depthpaint: error: {found.bad_rows:,} of {found.rows:,} rows cannot be painted")

    def sheets(self, paths: list[Path]) -> None:
        """Print the paths of contact sheets, or keep them for the JSON document."""
        self._sheets = [str(path) for path in paths]
        for path in paths:
            self.file(path)

    def file(self, path: Path) -> None:
        """Print the path of a file beside the pictures, unless a JSON document is printed."""
        if not self._as_json:
            emit_path(path)

    def end(self, tally: Tally, orphans: Iterator[str]) -> None:
        """Print the summary, and the pictures that belong to no row of the manifest."""
        summary = f"{tally.painted:,} painted, {tally.there:,} already there"
        if lost := tally.failed + tally.bad_rows:
            inform(f"depthpaint: error: {summary}, {lost:,} failed (see failures.jsonl)")
            self._agreement(tally)
            return
        inform(summary, quiet=self._quiet)
        self._agreement(tally)
        if names := list(islice(orphans, 4)):
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            inform(f"these pictures belong to no row and are kept: {shown}", quiet=self._quiet)

    def _agreement(self, tally: Tally) -> None:
        """Print how well the depths agree, if they were verified; print an error if some agree too little."""
        if not tally.agreements:
            return
        values = agreement_of(tally)
        median, low = values["median"], values["5th_percentile"]
        shown = f"median {median:.3f}, 5th percentile {low:.3f} (a wrong map: below {CHANCE:g})"
        inform(f"depth agreement: {shown}", quiet=self._quiet)
        if tally.below:
            missed = f"{tally.below:,} of {len(tally.agreements):,} pictures"
            inform(f"depthpaint: error: {missed} are below --min-agreement; the best try of each is kept")

    def plan(self, found: Survey) -> None:
        """Print what the batch would paint."""
        if self._as_json:
            self.document(found)
        else:
            emit(f"{found.rows:,} rows, {found.pictures:,} pictures")

    def document(self, found: Survey, tally: Tally | None = None) -> None:
        """Print the JSON document if it is wanted. It holds the first MOST_LISTED failures."""
        if not self._as_json:
            return
        values: dict[str, object] = {
            "rows": found.rows, "pictures": found.pictures, "bad_rows": found.bad_rows,
            "failures": self._failures,
        }  # fmt: skip
        if tally is not None:
            values |= {"painted": tally.painted, "there": tally.there, "failed": tally.failed}
        if self._sheets is not None:
            values["contact_sheets"] = self._sheets
        if tally is not None and tally.agreements:
            values["agreement"] = agreement_of(tally) | {"below": tally.below}
        emit_document(values)

    def _picture(self, path: Path, painted: Painted) -> None:
        for warning in painted.warnings:
            # Many pictures may have the same warning: it is printed once, and stands in every record.
            if warning not in self._warned and len(self._warned) < MOST_LISTED:
                self._warned.add(warning)
                warn(warning, quiet=self._quiet)
        if not self._as_json:
            emit_path(path)
        if painted.agreement is not None:
            inform(agreement_line(path, painted.seed, painted.agreement), quiet=self._quiet)

    def _failure(self, line: int, error: DepthpaintError) -> None:
        known = len(self._failures)
        if self._keep(line, for_command(error)):
            inform(f"{self._place(line)}: {error}")
        elif known == MOST_LISTED and not self._more_failures_noted:
            self._more_failures_noted = True
            inform("more failures are in failures.jsonl")

    def _keep(self, line: int, error: DepthpaintError) -> bool:
        """Add a failure if it is new and there is room. Return whether it was added."""
        failure: dict[str, object] = {"line": line, "code": error.code.value, "message": str(error)}
        new = len(self._failures) < MOST_LISTED and failure not in self._failures
        if new:
            self._failures.append(failure)
        return new

    def _advance(self, tally: Tally, left: float | None) -> None:
        self._show(tally, left)

    def _print_progress(self, found: Survey, tally: Tally, left: float | None) -> None:
        if monotonic() - self._last_line >= EVERY:
            self._last_line = monotonic()
            known = "" if left is None else f", {time_left(left)}"
            inform(f"{tally.done:,} of {found.pictures:,} pictures{known}")

    def _place(self, line: int) -> str:
        return f"{name_of(self._path)}, {self._unit} {line:,}"


def agreement_of(tally: Tally) -> dict[str, float]:
    """Median and 5th percentile of the depth agreements."""
    low, middle = np.percentile(tally.agreements, (5, 50))
    return {"median": round(float(middle), 4), "5th_percentile": round(float(low), 4)}


def time_left(seconds: float | None) -> str:
    """A time for people, such as "about 3 min left"; empty if it is not known."""
    if seconds is None:
        return ""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"about {seconds / size:.0f} {unit} left"
    return f"about {seconds:.0f} s left"


def _nothing(tally: Tally, left: float | None) -> None:
    del tally, left
