"""Run a batch: from rows to pictures and their ledger, restartable at any point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile

from depthpaint.batch.job import Job, ParsedRow, jobs_of, work_of
from depthpaint.batch.ledger import Entry, Ledger, Turns, entries, lines_of
from depthpaint.batch.manifest import Manifest
from depthpaint.batch.mark import Fingerprints, mark_of, require_replaceable
from depthpaint.batch.own_file import require_own_files
from depthpaint.batch.painting import Painted, Painters, Stopping
from depthpaint.batch.progress import Expectation, Listener, Notes, Tally
from depthpaint.batch.survey import ROW_ERRORS, Survey, checked_rows, row_error
from depthpaint.core.errors import DepthpaintError, ErrorCode, OutputError
from depthpaint.core.files import output_error, write_atomic
from depthpaint.record.picture_file import read_record
from depthpaint.record.run_record import RunRecord
from depthpaint.record.sections import AgreementFacts
from depthpaint.request import Request
from depthpaint.verification.choosing import Requirement

ROWS_AT_ONCE = 1024
"""Rows held in memory to group equal models and shapes."""


class Batch:
    """Paints the missing pictures. Raises Stopped on a signal, and OutputError on a full disk."""

    def __init__(
        self,
        manifest: Manifest,
        defaults: Mapping[str, object],
        folder: Path,
        listener: Listener,
        *,
        overwrite: bool = False,
        required: Requirement | None = None,
    ) -> None:
        self.tally = Tally()
        self._manifest, self._defaults, self._folder = manifest, defaults, folder
        self._listener, self._overwrite, self._required = listener, overwrite, required
        self._stopping = Stopping()
        self._begun: set[str] = set()
        self._wanted_files = Fingerprints()
        self._weights_by_models: dict[object, str] = {}

    def run(self, painters: Painters, surveyed: Survey) -> None:
        """Paint every row of the manifest; `surveyed` has the expected work."""
        with self._stopping.listening(), ExitStack() as opened:
            require_own_files(self._folder, self._manifest)
            self._ledger = Ledger(self._folder, self._manifest.shard)
            opened.callback(self._ledger.close)
            self._turns = Turns(self._ledger)
            self._notes = Notes(self._folder, self._manifest.shard)
            opened.callback(self._notes.close)
            self._expected = Expectation(surveyed.work)
            for job, outcome in painters.paint(self._pending(painters)):
                self._stopping.raise_pending()
                with self._stopping.shield():
                    self._settle(job, outcome)

    def records(self) -> Iterator[tuple[str, RunRecord]]:
        """The pictures of the manifest's rows that are there, with their records, in the ledger's order."""
        for entry, record in lines_of(self._ledger.path):
            if entry.file not in self._wanted_files:
                continue
            mark = mark_of(self._folder / entry.file)
            if mark is not None and (mark.key, mark.weights) == (entry.job, entry.weights):
                yield entry.file, RunRecord.from_json(record.decode())

    def orphans(self) -> Iterator[str]:
        """Files in the ledger that no row of the manifest produces any more, each once; they are kept."""
        reported = Fingerprints()
        for entry in entries(self._ledger.path):
            stays = entry.file in self._wanted_files or not (self._folder / entry.file).exists()
            if not stays and reported.add(entry.file):
                yield entry.file

    def _pending(self, painters: Painters) -> Iterator[Job]:
        """The jobs that are not done, grouped by model and shape."""
        for parsed in in_order(self._parsed_rows()):
            try:
                jobs = list(jobs_of(parsed, self._folder, self._required))
            except ROW_ERRORS as error:
                for picture in parsed.pictures():
                    self._fail(parsed.line, row_error(error), picture)
                continue
            for job in jobs:
                self._wanted_files.add(job.file)
                try:
                    new = self._is_new(job, painters)
                except ROW_ERRORS as error:
                    self._require_folder(error)
                    self._fail(parsed.line, row_error(error), job.request)
                    continue
                if not new:
                    self._count_as_there(job)
                    continue
                if not self._begun:
                    self._expected.begin()
                self._begun.add(job.file)
                self._turns.take(job.file)
                yield job

    def _parsed_rows(self) -> Iterator[ParsedRow]:
        for line, parsed in checked_rows(self._manifest, self._defaults, self._folder):
            if isinstance(parsed, DepthpaintError):
                self.tally.bad_rows += 1
                self._report_failure(line, parsed)
            else:
                yield parsed

    def _is_new(self, job: Job, painters: Painters) -> bool:
        """Whether the job has to be painted. An existing picture missing in the ledger is added to it."""
        if job.file in self._begun:
            return False  # another row has the same job
        path = self._folder / job.file
        mark = mark_of(path)
        if mark is None or mark.key != job.key:
            self._require_free(job, path)
            return True
        if mark.weights != self._weights(job, painters):
            self._require_free(job, path)
            return True
        with self._stopping.shield():
            self._turns.fill(job.file, Entry(job.file, job.key, mark.weights))
        return False

    def _weights(self, job: Job, painters: Painters) -> str:
        which = (job.request.choice, job.request.from_photo)
        if which not in self._weights_by_models:
            self._weights_by_models[which] = painters.weights(job)
        return self._weights_by_models[which]

    def _require_free(self, job: Job, path: Path) -> None:
        """Raise OutputError if an existing file may not be replaced."""
        if not self._overwrite:
            require_replaceable(job, path)

    def _settle(self, job: Job, outcome: Painted | DepthpaintError) -> None:
        self._begun.discard(job.file)
        error = outcome if isinstance(outcome, DepthpaintError) else self._save(job, outcome)
        if error is not None:
            self._turns.drop(job.file)
            self._fail(job.line, error, job.request)
        self._listener.advance(self.tally, self._expected.seconds_left())

    def _save(self, job: Job, painted: Painted) -> DepthpaintError | None:
        """Write a picture and its line; return its error. Raises DepthpaintError if no other can follow."""
        path = self._folder / job.file
        try:
            self._require_free(job, path)
            # The picture is written before the ledger, so that each line has its picture.
            write_atomic(path, painted.data, overwrite=True)
        except OutputError as error:
            self._require_folder(error)
            return error
        self._turns.fill(job.file, Entry(job.file, job.key, painted.weights), painted.record)
        self._notes.took(job.file, painted.seconds)
        self.tally.painted += 1
        self._judge(painted.agreement)
        loading = painted.seconds.get("load", 0.0)
        self._expected.painted(job.request.choice.model, work_of(job.request), loading)
        self._listener.picture(path, painted)
        return None

    def _require_folder(self, error: DepthpaintError | OSError) -> None:
        """Raise an error that every other row would have too: the folder, or the cluster, cannot be used."""
        if isinstance(error, DepthpaintError) and error.code in (ErrorCode.DISK_FULL, ErrorCode.NOT_READY):
            raise error
        if isinstance(error, OSError):
            try:
                with TemporaryFile(dir=self._folder):
                    pass
            except OSError as lost:
                raise output_error(self._folder, lost) from error

    def _count_as_there(self, job: Job) -> None:
        self.tally.there += 1
        if self._required is not None and job.file not in self._begun:
            self._judge(read_record(self._folder / job.file).agreement)
        self._expected.skipped(job.request.choice.model, work_of(job.request))
        self._listener.advance(self.tally, self._expected.seconds_left())

    def _judge(self, agreement: AgreementFacts | None) -> None:
        score = None if agreement is None else agreement.depth_agreement
        if self._required is not None and score is not None:
            self.tally.judge(score, self._required)

    def _fail(self, line: int, error: DepthpaintError, picture: Request) -> None:
        self.tally.failed += 1
        self._expected.skipped(picture.choice.model, work_of(picture))
        self._report_failure(line, error)

    def _report_failure(self, line: int, error: DepthpaintError) -> None:
        self._notes.failed(line, error)
        self._listener.failure(line, error)


def in_order(rows: Iterable[ParsedRow]) -> Iterator[ParsedRow]:
    """Sort the rows in groups of a thousand, by model and then by shape.

    Without a size in the row, rows of one depth file have one shape.
    """
    several = iter(rows)
    while held := list(islice(several, ROWS_AT_ONCE)):
        yield from sorted(held, key=_sort_key)


def _sort_key(parsed: ParsedRow) -> tuple[str, ...]:
    request = parsed.request
    return (
        request.choice.model_dump_json(), str(request.size), str(request.aspect), str(request.fit),
        str(request.depth),
    )  # fmt: skip
