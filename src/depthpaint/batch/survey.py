"""The look at all rows before anything is loaded: how many there are, what they cost, what is wrong."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from depthpaint.batch.fingerprints import Fingerprints
from depthpaint.batch.manifest import Manifest
from depthpaint.batch.plans import require_plan, work_of
from depthpaint.batch.wanted import NAME, Wanted, require_depth_file, wanted
from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError
from depthpaint.inputs.request import GenerationRequest

MOST_TOLD = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the row in `line`."""

    line: int
    error: DepthpaintError


@dataclass(slots=True)
class Survey:
    """What the rows come to. Of the problems the first MOST_TOLD are kept, and all are counted.

    `work` is what the pictures of each model cost, in a unit that is the model's own (plans.work_of).
    """

    rows: int = 0
    pictures: int = 0
    bad_rows: int = 0
    problems: list[Problem] = field(default_factory=list[Problem])
    work: dict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))

    def add_problem(self, line: int, error: DepthpaintError) -> None:
        """Count a row that cannot be painted."""
        self.bad_rows += 1
        if len(self.problems) < MOST_TOLD:
            self.problems.append(Problem(line, error))


def survey(
    manifest: Manifest,
    defaults: Mapping[str, object],
    understand: Callable[[GenerationRequest], object] | None = None,
) -> Survey:
    """Check every row of the shard: its fields, its model, its name, and that its depth file is there.

    `understand` is called with each request, to look into the depth files too. Raises ParameterError where
    the manifest itself cannot be read.
    """
    found = Survey()
    for line, asked in checked_rows(manifest, defaults):
        found.rows += 1
        try:
            if isinstance(asked, DepthpaintError):
                raise asked
            if understand is not None:
                understand(asked.request)
        except DepthpaintError as error:
            found.add_problem(line, error)
        else:
            found.pictures += asked.request.count
            found.work[asked.request.model] += work_of(asked.request)
    return found


def checked_rows(
    manifest: Manifest, defaults: Mapping[str, object]
) -> Iterator[tuple[int, Wanted | DepthpaintError]]:
    """Each row of the shard with its line, checked as far as can be without reading its depth file.

    Names are compared with those of all rows: shards share a folder.
    """
    names = Fingerprints()
    for position, row in enumerate(manifest.rows()):
        mine = manifest.shard.holds(position)
        if not mine and NAME not in {**defaults, **row.values}:
            continue
        try:
            asked = wanted(row, manifest.folder, defaults)
            _require_own_names(asked, names)
            if mine:
                require_plan(asked.request)
                require_depth_file(asked.request.depth)
        except DepthpaintError as error:
            asked = error
        if mine:
            yield row.line, asked


def _require_own_names(asked: Wanted, names: Fingerprints) -> None:
    """Names that differ in case or in how an accent is written are one file on some systems."""
    for file in asked.files:
        if not names.add(unicodedata.normalize("NFC", file).casefold()):
            raise ParameterError(
                f"name: an earlier row's picture is {file}, too",
                code=ErrorCode.INVALID_PARAMETER,
                value=file,
                remedy="give each row a name of its own, or leave the column out",
            )
