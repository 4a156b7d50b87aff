"""All rows looked at before anything is loaded: their number, their cost, what is wrong with them."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from depthpaint.batch.job import NAME, Wanted, jobs_of, require_depth_file, require_plan, wanted, work_of
from depthpaint.batch.manifest import Manifest
from depthpaint.batch.mark import Fingerprints, require_place
from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError
from depthpaint.core.files import input_file, not_own, output_error, require_other_file
from depthpaint.engine import Engine
from depthpaint.verification.choosing import Wish


class DepthFiles:
    """Names in `folder` that depth files of any row have, links followed; the manifest is read on first use.

    Only fingerprints of these names are held, so a million rows whose maps lie elsewhere take no memory.
    """

    def __init__(self, manifest: Manifest, defaults: Mapping[str, object], folder: Path) -> None:
        self._manifest, self._defaults, self._folder = manifest, defaults, folder

    def __contains__(self, file: str) -> bool:
        return same_name(file) in self._names

    @cached_property
    def _names(self) -> Fingerprints:
        names, here = Fingerprints(), os.path.realpath(self._folder)
        # An error of the manifest ends the survey, too, which then reports it.
        with suppress(ParameterError):
            for depth in self._depths():
                for folder, name in _places(depth):
                    if folder == here:
                        names.add(same_name(name))
        return names

    def _depths(self) -> Iterator[Path]:
        for row in self._manifest.rows():
            depth = row.values.get("depth", self._defaults.get("depth"))
            if isinstance(depth, str) and "\0" not in depth:
                yield self._manifest.folder / depth


def same_name(file: str) -> str:
    """Equal for names that differ in case or in how an accent is written: some systems take them for one."""
    return unicodedata.normalize("NFC", file).casefold()


def _places(depth: Path) -> Iterator[tuple[str, str]]:
    """Folder and name of a depth file, and of what it leads to if it is a link."""
    # A name that no file can have, or too long, is an error of its row.
    with suppress(OSError, ValueError):
        yield _real_folder(depth.parent), depth.name
        if depth.is_symlink():
            real = Path(os.path.realpath(depth))
            yield str(real.parent), real.name


@lru_cache(256)
def _real_folder(folder: Path) -> str:
    return os.path.realpath(folder)


MOST_TOLD = 50

ROW_ERRORS = (DepthpaintError, OSError)
"""What a row's values may cause: looking for a path that is too long, or leads nowhere, is an OSError."""


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
    rehearse: Callable[[Wanted], object] | None = None,
    folder: Path | None = None,
) -> Survey:
    """Check every row of the shard: its fields, its model, its name, and that its depth file is there.

    `folder` is where the pictures are to go: what is in their way there is a problem of the row. `rehearse`
    is called with each row that is right so far, to look further. Raises ParameterError where the manifest
    itself cannot be read.
    """
    found = Survey()
    for line, asked in checked_rows(manifest, defaults, folder):
        found.rows += 1
        try:
            if isinstance(asked, DepthpaintError):
                raise asked
            if rehearse is not None:
                rehearse(asked)
        except ROW_ERRORS as error:
            found.add_problem(line, row_error(error))
        else:
            found.pictures += len(asked.request.seeds)
            found.work[asked.request.choice.model] += work_of(asked.request)
    return found


def checked_rows(
    manifest: Manifest, defaults: Mapping[str, object], folder: Path | None = None
) -> Iterator[tuple[int, Wanted | DepthpaintError]]:
    """Each row of the shard with its line, checked as far as can be without reading its depth file.

    Names are compared with those of all rows: shards share a folder.
    """
    names = Fingerprints()
    depths = None if folder is None else DepthFiles(manifest, defaults, folder)
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
                if folder is not None and depths is not None:
                    _require_places(asked, folder, depths)
        except ROW_ERRORS as error:
            asked = row_error(error)
        if mine:
            yield row.line, asked


def row_error(error: DepthpaintError | OSError) -> DepthpaintError:
    """The error as a row's own."""
    if isinstance(error, DepthpaintError):
        return error
    return ParameterError(
        f"a file of the row cannot be reached: {error}",
        code=ErrorCode.INVALID_PARAMETER,
        remedy="look for a path that is too long or has characters that no path has",
    )


def _require_places(asked: Wanted, folder: Path, depths: DepthFiles) -> None:
    """Raise OutputError where a named picture cannot be written, or only over the depth file of a row."""
    for file in asked.files:
        path = folder / file
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise output_error(path, error) from error
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise not_own(path)
        require_other_file(path, asked.request.depth)
        if file in depths:
            raise input_file(path)


def _require_own_names(asked: Wanted, names: Fingerprints) -> None:
    for file in asked.files:
        if not names.add(same_name(file)):
            raise ParameterError(
                f"name: an earlier row's picture is {file}, too",
                code=ErrorCode.INVALID_PARAMETER,
                value=file,
                remedy="give each row a name of its own, or leave the column out",
            )


class Rehearsal:
    """Looks into depth files, for the parts of models, and at the places of pictures; paints nothing."""

    def __init__(self, engine: Engine, folder: Path, wish: Wish | None, *, overwrite: bool) -> None:
        self._engine, self._folder, self._wish, self._overwrite = engine, folder, wish, overwrite

    def __call__(self, asked: Wanted) -> None:
        """Raise the DepthpaintError or OSError that the row would fail with."""
        self._engine.prepare(asked.request)
        judge = None if self._wish is None else self._wish.estimator
        self._engine.require_ready(asked.request.choice, judge)
        for job in jobs_of(asked, self._wish):
            require_place(job, self._folder / job.file, overwrite=self._overwrite)
