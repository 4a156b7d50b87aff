"""Progress of a batch: counts, failed rows, remaining time."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from depthpaint.batch.manifest import Shard
from depthpaint.batch.own_file import Kind, OwnFile, own_path
from depthpaint.batch.painting import Painted
from depthpaint.core.errors import DepthpaintError
from depthpaint.core.files import output_error
from depthpaint.verification.choosing import Requirement


@dataclass(slots=True)
class Tally:
    """Counts of pictures so far. `bad_rows` are invalid rows, without a request.

    `agreements` are the depth agreements of pictures that were verified, painted now or before; `below`
    counts those under the required agreement.
    """

    painted: int = 0
    there: int = 0
    failed: int = 0
    bad_rows: int = 0
    agreements: array[float] = field(default_factory=lambda: array("f"))
    below: int = 0

    def judge(self, agreement: float, required: Requirement) -> None:
        """Count a picture's agreement."""
        self.agreements.append(agreement)
        self.below += required.is_missed_by(agreement)

    @property
    def done(self) -> int:
        """Pictures that exist or have failed."""
        return self.painted + self.there + self.failed


@dataclass(frozen=True, slots=True)
class Listener:
    """Callbacks: for each picture that was painted, for each failure with its line, and for progress.

    `advance` gets the tally and the remaining seconds, None while unknown.
    """

    picture: Callable[[Path, Painted], None]
    failure: Callable[[int, DepthpaintError], None]
    advance: Callable[[Tally, float | None], None]


class Notes:
    """`failures.jsonl` covers this run only and is removed if nothing failed; `times.jsonl` grows.

    Times are kept out of the pictures and of the ledger, so that the same batch gives the same bytes. Call
    `own_file.require_own_files` before: it checks that the files are the batch's own.
    """

    def __init__(self, folder: Path, shard: Shard) -> None:
        self._folder, self._shard = folder, shard
        self._open: dict[Kind, OwnFile] = {}
        failures = own_path(folder, Kind.FAILURES, shard)
        try:
            failures.unlink(missing_ok=True)
        except OSError as error:
            raise output_error(failures, error) from error

    def failed(self, line: int, error: DepthpaintError) -> None:
        """Record a row that was not painted."""
        self._file(Kind.FAILURES).add_values({"line": line, "code": error.code.value, "message": str(error)})

    def took(self, file: str, seconds: Mapping[str, float]) -> None:
        """Record the time of a picture, in seconds per stage."""
        rounded = {stage: round(took, 4) for stage, took in seconds.items()}
        self._file(Kind.TIMES).add_values({"file": file, "seconds": rounded})

    def close(self) -> None:
        """Close the files."""
        for file in self._open.values():
            file.close()

    def _file(self, kind: Kind) -> OwnFile:
        if kind not in self._open:
            file = self._open[kind] = OwnFile(own_path(self._folder, kind, self._shard), kind)
            file.begin()
        return self._open[kind]


FORGETTING = 0.97
"""The weight of a picture relative to the next one: the machine's speed changes over time."""


class Expectation:
    """Seconds per unit of work, estimated for each model; existing pictures do not count.

    The clock is monotonic; seconds are of the whole batch, however many workers paint.
    """

    def __init__(self, work: Mapping[str, float], clock: Callable[[], float] = monotonic) -> None:
        self._left = dict(work)
        self._learned: dict[str, tuple[float, float]] = {}
        self._clock = clock
        self._since = clock()

    def begin(self) -> None:
        """Start of painting: the time before it was spent on checking existing pictures."""
        self._since = self._clock()

    def painted(self, model: str, work: float, loading: float = 0.0) -> None:
        """A picture of this much work is done; its time is that since the last one, without loading."""
        now = self._clock()
        seconds, done = self._learned.get(model, (0.0, 0.0))
        self._learned[model] = (
            seconds * FORGETTING + max(0.0, now - self._since - loading), done * FORGETTING + work,
        )  # fmt: skip
        self._since = now
        self.skipped(model, work)

    def skipped(self, model: str, work: float) -> None:
        """Remove this much work from the rest."""
        self._left[model] = max(0.0, self._left.get(model, 0.0) - work)

    def seconds_left(self) -> float | None:
        """Seconds, None before the first picture. For a model without measurements the average is used."""
        seconds = sum(took for took, _ in self._learned.values())
        done = sum(work for _, work in self._learned.values())
        if not done:
            return None
        expected = 0.0
        for model, left in self._left.items():
            took, work = self._learned.get(model, (seconds, done))
            expected += left * took / work if work else 0.0
        return expected
