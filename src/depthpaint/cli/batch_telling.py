"""What a batch tells: paths on stdout, how far it is and what went wrong on stderr, a summary at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from time import monotonic

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from depthpaint.batch.manifest import Manifest
from depthpaint.batch.progress import Listener, Tally
from depthpaint.batch.survey import MOST_TOLD, Survey
from depthpaint.cli.terminal import animated, emit_path, live, tell, warn
from depthpaint.core.errors import DepthpaintError
from depthpaint.core.files import name_of

EVERY = 30.0
"""Seconds between two lines of progress where no bar can be drawn."""


class Telling:
    """Keeps the first MOST_TOLD failures for the summary and counts the rest."""

    def __init__(self, manifest: Manifest, *, quiet: bool, as_json: bool) -> None:
        self._unit, self._path = manifest.unit, manifest.path
        self._quiet, self._as_json = quiet, as_json
        self._failures: list[dict[str, object]] = []
        self._enough = False
        self._warned: set[str] = set()
        self._show: Callable[[Tally, float | None], None] = _nothing
        self._told = monotonic()
        self.listener = Listener(self._picture, self._failure, self._advance)

    @contextmanager
    def painting(self, found: Survey) -> Generator[None]:
        """Show a bar on a terminal, a line every EVERY seconds elsewhere."""
        if self._quiet:
            yield
            return
        if not animated():
            self._show = lambda tally, left: self._tell_sometimes(found, tally, left)
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
        """Say what is wrong with the rows, all at once."""
        for problem in found.problems:
            self._keep(problem.line, problem.error)
            tell(f"{self._place(problem.line)}: {problem.error}")
        if (more := found.bad_rows - len(found.problems)) > 0:
            tell(f"and {more:,} more rows")
        tell(f"depthpaint: error: {found.bad_rows:,} of {found.rows:,} rows cannot be painted")

    def end(self, tally: Tally, orphans: Iterator[str]) -> None:
        """Say how it went, and which pictures no row asks for any more."""
        told = f"{tally.painted:,} painted, {tally.there:,} were there"
        if lost := tally.failed + tally.bad_rows:
            told += f", {lost:,} failed (failures.jsonl)"
            tell(f"depthpaint: error: {told}")
            self._agreement(tally)
            return
        tell(told, quiet=self._quiet)
        self._agreement(tally)
        if names := list(islice(orphans, 4)):
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            tell(f"no row asks for these any more, they are kept: {shown}", quiet=self._quiet)

    def _agreement(self, tally: Tally) -> None:
        """Say how the depths agree, where they were looked at; too few that do are an error."""
        if not tally.agreements:
            return
        values = agreement_of(tally)
        told = f"rank correlation {values['median']:.3f} in the middle, "
        tell(f"{told}{values['5th_percentile']:.3f} at the 5th percentile", quiet=self._quiet)
        if tally.below:
            many = f"{tally.below:,} of {len(tally.agreements):,} pictures agree"
            tell(f"depthpaint: error: {many} less than was wished; the best of their tries are kept")

    def document(self, found: Survey, tally: Tally | None = None) -> dict[str, object]:
        """The one JSON document; of the failures it holds the first MOST_TOLD."""
        values: dict[str, object] = {
            "rows": found.rows, "pictures": found.pictures, "bad_rows": found.bad_rows,
            "failures": self._failures,
        }  # fmt: skip
        if tally is not None:
            values |= {"painted": tally.painted, "there": tally.there, "failed": tally.failed}
        if tally is not None and tally.agreements:
            values["agreement"] = agreement_of(tally) | {"below": tally.below}
        return values

    def _picture(self, path: Path, warnings: tuple[str, ...]) -> None:
        for warning in warnings:
            # A thousand pictures may have one warning; it is in every record.
            if warning not in self._warned and len(self._warned) < MOST_TOLD:
                self._warned.add(warning)
                warn(warning, quiet=self._quiet)
        if not self._as_json:
            emit_path(path)

    def _failure(self, line: int, error: DepthpaintError) -> None:
        known = len(self._failures)
        if self._keep(line, error):
            tell(f"{self._place(line)}: {error}")
        elif known == MOST_TOLD and not self._enough:
            self._enough = True
            tell("further failures are in failures.jsonl")

    def _keep(self, line: int, error: DepthpaintError) -> bool:
        """Keep a failure, if it is not kept and there is room; whether it was."""
        failure: dict[str, object] = {"line": line, "code": error.code.value, "message": str(error)}
        new = len(self._failures) < MOST_TOLD and failure not in self._failures
        if new:
            self._failures.append(failure)
        return new

    def _advance(self, tally: Tally, left: float | None) -> None:
        self._show(tally, left)

    def _tell_sometimes(self, found: Survey, tally: Tally, left: float | None) -> None:
        if monotonic() - self._told >= EVERY:
            self._told = monotonic()
            known = "" if left is None else f", {time_left(left)}"
            tell(f"{tally.done:,} of {found.pictures:,} pictures{known}")

    def _place(self, line: int) -> str:
        return f"{name_of(self._path)}, {self._unit} {line:,}"


def agreement_of(tally: Tally) -> dict[str, float]:
    """Median and 5th percentile of the rank correlations."""
    low, middle = np.percentile(tally.agreements, (5, 50))
    return {"median": round(float(middle), 4), "5th_percentile": round(float(low), 4)}


def time_left(seconds: float | None) -> str:
    """A time for people, such as "about 3 min left"; nothing where nobody knows."""
    if seconds is None:
        return ""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"about {seconds / size:.0f} {unit} left"
    return f"about {seconds:.0f} s left"


def _nothing(tally: Tally, left: float | None) -> None:
    del tally, left
