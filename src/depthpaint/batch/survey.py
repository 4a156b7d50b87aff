"""Check all rows before anything is loaded: their number, their work, and their problems."""

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

from depthpaint.batch.job import (
    ParsedRow,
    jobs_of,
    parse_row,
    require_files,
    require_plan,
    work_of,
)
from depthpaint.batch.manifest import Manifest
from depthpaint.batch.mark import Fingerprints, require_place
from depthpaint.batch.rows import NAME, Row
from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError
from depthpaint.core.files import input_file, not_own, output_error, require_other_file
from depthpaint.engine import Engine
from depthpaint.record.paths import sources_of
from depthpaint.verification.choosing import Requirement


class InputFiles:
    """Names of depth files of all rows, and of pictures to start from, in `folder`, links followed.

    It reads the manifest on first use, and stores only fingerprints, so a million rows with files elsewhere
    take no memory.
    """

    def __init__(self, manifest: Manifest, defaults: Mapping[str, object], folder: Path) -> None:
        self._manifest, self._defaults, self._folder = manifest, defaults, folder

    def __contains__(self, file: str) -> bool:
        return same_name(file) in self._names

    @cached_property
    def _names(self) -> Fingerprints:
        names, here = Fingerprints(), os.path.realpath(self._folder)
        # A manifest error also ends the survey, which then reports it.
        with suppress(ParameterError):
            for file in self._files():
                for folder, name in _places(file):
                    if folder == here:
                        names.add(same_name(name))
        return names

    def _files(self) -> Iterator[Path]:
        for row in self._manifest.rows():
            files = row.values.get("depth", self._defaults.get("depth")), row.values.get("init")
            for file in files:
                if isinstance(file, str) and "\0" not in file:
                    yield self._manifest.folder / file


def same_name(file: str) -> str:
    """Equal for names that differ in case or in Unicode normal form: some file systems treat them as one."""
    return unicodedata.normalize("NFC", file).casefold()


def _places(file: Path) -> Iterator[tuple[str, str]]:
    """Folder and name of a file, and of its target if it is a link."""
    # An invalid or too long name is an error of its row.
    with suppress(OSError, ValueError):
        yield _real_folder(file.parent), file.name
        if file.is_symlink():
            real = Path(os.path.realpath(file))
            yield str(real.parent), real.name


@lru_cache(256)
def _real_folder(folder: Path) -> str:
    return os.path.realpath(folder)


MOST_LISTED = 50

ROW_ERRORS = (DepthpaintError, OSError)
"""Errors that a row's values may cause: looking up a path that is too long or broken raises OSError."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of the row in `line`."""

    line: int
    error: DepthpaintError


@dataclass(slots=True)
class Survey:
    """The result of checking all rows. The first MOST_LISTED problems are kept, and all are counted.

    `work` is the work of the pictures of each model, in its own unit (job.work_of).
    """

    rows: int = 0
    pictures: int = 0
    bad_rows: int = 0
    problems: list[Problem] = field(default_factory=list[Problem])
    work: dict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))

    def add_problem(self, line: int, error: DepthpaintError) -> None:
        """Count an invalid row."""
        self.bad_rows += 1
        if len(self.problems) < MOST_LISTED:
            self.problems.append(Problem(line, error))


def survey(
    manifest: Manifest,
    defaults: Mapping[str, object],
    rehearse: Callable[[ParsedRow], object] | None = None,
    folder: Path | None = None,
) -> Survey:
    """Check every row of the shard: its fields, its model, its name, and that its depth file exists.

    `folder` is the output folder: files that block a picture are problems of the row. `rehearse` is called
    with each row that is valid so far, for further checks. Raises ParameterError if the manifest itself
    cannot be read.
    """
    result = Survey()
    for line, parsed in checked_rows(manifest, defaults, folder):
        result.rows += 1
        try:
            if isinstance(parsed, DepthpaintError):
                raise parsed
            if rehearse is not None:
                rehearse(parsed)
        except ROW_ERRORS as error:
            result.add_problem(line, row_error(error))
        else:
            result.pictures += len(parsed.request.seeds)
            result.work[parsed.request.choice.model] += work_of(parsed.request)
    return result


def checked_rows(
    manifest: Manifest, defaults: Mapping[str, object], folder: Path | None = None
) -> Iterator[tuple[int, ParsedRow | DepthpaintError]]:
    """Each row of the shard with its line, checked as far as possible without reading its files.

    Names are compared with those of all rows: shards share a folder.
    """
    names = Fingerprints()
    inputs = None if folder is None else InputFiles(manifest, defaults, folder)
    for position, row in enumerate(manifest.rows()):
        mine = manifest.shard.holds(position)
        if not mine and NAME not in {**defaults, **row.values}:
            continue
        for each in manifest.grid.rows(row):
            parsed = _checked(each, manifest, defaults, names)
            if not mine:
                continue
            if isinstance(parsed, ParsedRow):
                try:
                    require_plan(parsed.request)
                    require_files(parsed.request)
                    if folder is not None and inputs is not None:
                        _require_places(parsed, folder, inputs)
                except ROW_ERRORS as error:
                    parsed = row_error(error)
            yield row.line, parsed


def _checked(
    row: Row, manifest: Manifest, defaults: Mapping[str, object], names: Fingerprints
) -> ParsedRow | DepthpaintError:
    """The row, whose file names are added to `names`, or its error."""
    try:
        parsed = parse_row(row, manifest.folder, defaults, manifest.choice)
        _require_own_names(parsed, names)
    except ROW_ERRORS as error:
        return row_error(error)
    return parsed


def row_error(error: DepthpaintError | OSError) -> DepthpaintError:
    """Convert an OSError to an error about the row."""
    if isinstance(error, DepthpaintError):
        return error
    return ParameterError(
        f"a file of the row cannot be reached: {error}",
        code=ErrorCode.INVALID_PARAMETER,
        remedy="check for a path that is too long or has invalid characters",
    )


def _require_places(parsed: ParsedRow, folder: Path, inputs: InputFiles) -> None:
    """Raise OutputError if a named picture cannot be written, or would replace a file of a row."""
    for file in parsed.files:
        path = folder / file
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise output_error(path, error) from error
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise not_own(path)
        for source in sources_of(parsed.request):
            require_other_file(path, source)
        if file in inputs:
            raise input_file(path)


def _require_own_names(parsed: ParsedRow, names: Fingerprints) -> None:
    for file in parsed.files:
        if not names.add(same_name(file)):
            raise ParameterError(
                f"name: an earlier row has the picture {file}, too",
                code=ErrorCode.INVALID_PARAMETER,
                value=file,
                remedy="give each row its own name, or leave the column out",
            )


class Readiness:
    """Checks that the models of rows are on this machine; each once."""

    def __init__(self, engine: Engine, required: Requirement | None) -> None:
        self._engine, self._judge = engine, None if required is None else required.estimator

    def __call__(self, parsed: ParsedRow) -> None:
        """Raise ModelError for a missing file or package, of the model or of an estimator."""
        photo = parsed.request.from_photo
        for estimator in {self._judge, photo} - {None} or {None}:
            self._engine.require_ready(parsed.request.choice, estimator)


class Rehearsal:
    """Checks depth files, parts of models, and the places of pictures; paints nothing."""

    def __init__(
        self, engine: Engine, folder: Path, required: Requirement | None, *, overwrite: bool
    ) -> None:
        self._engine, self._folder, self._required, self._overwrite = engine, folder, required, overwrite
        self._readiness = Readiness(engine, required)

    def __call__(self, parsed: ParsedRow) -> None:
        """Raise the DepthpaintError or OSError that painting the row would raise."""
        self._engine.prepare(parsed.request)
        self._readiness(parsed)
        for job in jobs_of(parsed, self._folder, self._required):
            require_place(job, self._folder / job.file, overwrite=self._overwrite)
