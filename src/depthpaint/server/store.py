"""Jobs in an SQLite file (WAL): a restart keeps what is finished, and paints what was waiting."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import make_folder
from depthpaint.record.paths import INIT
from depthpaint.request import Request

State = Literal["queued", "generating", "completed", "failed", "cancelled"]
UNFINISHED: tuple[State, ...] = ("queued", "generating")
FILE = "jobs.sqlite3"
_BUSY = 1.0
"""Seconds that another program may keep the file."""
KEPT = 100_000
"""Finished jobs that are kept; older ones are forgotten, their pictures stay."""

_INPUTS = ("depth", INIT)
_COLUMNS = "id, state, request, seeds, pictures, error, body, created"
_TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    request TEXT NOT NULL,
    seeds TEXT NOT NULL,
    pictures TEXT NOT NULL DEFAULT '[]',
    error TEXT,
    key TEXT UNIQUE,
    body TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS by_state ON jobs(state);
"""


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job as it is stored.

    `request` are the fields of a Request with the paths of its files relative to the output folder,
    `pictures` file names in that folder, `error` code and message, `body` the digest of the client's request.
    """

    id: str
    state: State
    request: Mapping[str, object]
    seeds: tuple[int, ...]
    pictures: tuple[str, ...]
    error: tuple[str, str] | None
    body: str
    created: float

    def painted_from(self, out: Path) -> Request:
        """The request, whose files are in the folder `out`."""
        files = {name: out / str(self.request[name]) for name in _INPUTS if name in self.request}
        return Request.model_validate({**self.request, **files})


def stored_fields(request: Request, out: Path) -> dict[str, object]:
    """The fields of a request as they are stored; its files are in the folder `out`."""
    fields = request.model_dump(mode="json", exclude_none=True)
    files = {name: Path(fields[name]).relative_to(out).as_posix() for name in _INPUTS if name in fields}
    return {**fields, **files}


class JobStore:
    """The file of jobs in `folder`. Raises OutputError if it cannot be used."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._lock = threading.Lock()
        try:
            self._file = sqlite3.connect(
                folder / FILE, check_same_thread=False, isolation_level=None, timeout=_BUSY
            )
            self._file.execute("PRAGMA journal_mode=WAL")
            # A killed process loses nothing with this; only a power cut may lose the newest jobs.
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.executescript(_TABLE)
        except sqlite3.Error as error:
            raise OutputError(
                f"the jobs in {folder / FILE} cannot be read: {error}",
                code=ErrorCode.OUTPUT_NOT_WRITABLE,
                value=str(folder / FILE),
                remedy="give another folder with --out, or move that file away",
            ) from error

    def add(self, job: StoredJob, key: str | None) -> bool:
        """Store a new job; False if there is one with `key`, an Idempotency-Key. Raises OutputError."""
        try:
            columns = "id, state, request, seeds, key, body, created"
            request, seeds = json.dumps(job.request), json.dumps(job.seeds)
            self._run(
                f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (job.id, job.state, request, seeds, key, job.body, job.created),
            )
        except sqlite3.IntegrityError:
            return False
        self._run(
            "DELETE FROM jobs WHERE state NOT IN ('queued', 'generating') AND number <= "
            "(SELECT MAX(number) FROM jobs) - ?",
            (KEPT,),
        )
        return True

    def update(
        self,
        name: str,
        state: State,
        pictures: Sequence[str] = (),
        error: tuple[str, str] | None = None,
    ) -> None:
        """Store what became of a job. Raises OutputError."""
        stored = None if error is None else json.dumps(error)
        self._run(
            "UPDATE jobs SET state = ?, pictures = ?, error = ? WHERE id = ?",
            (state, json.dumps(list(pictures)), stored, name),
        )

    def get(self, name: str) -> StoredJob | None:
        """The job with that id."""
        return next(iter(self._select("id = ?", (name,))), None)

    def of_key(self, key: str) -> StoredJob | None:
        """The job that was sent with that Idempotency-Key."""
        return next(iter(self._select("key = ?", (key,))), None)

    def unfinished(self) -> list[StoredJob]:
        """What was waiting or being painted, in the order in which it came."""
        return self._select("state IN ('queued', 'generating') ORDER BY number", ())

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def _run(self, statement: str, values: tuple[object, ...]) -> None:
        try:
            with self._lock, closing(self._file.execute(statement, values)):
                pass
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise OutputError(
                f"the file of jobs cannot be written: {error}",
                code=ErrorCode.OUTPUT_NOT_WRITABLE,
                remedy="see to the disk of the server, and to other programs that use the file",
            ) from error

    def _select(self, condition: str, values: tuple[object, ...]) -> list[StoredJob]:
        statement = (
            f"SELECT id, state, request, seeds, pictures, error, body, created FROM jobs WHERE {condition}"
        )
        with self._lock, closing(self._file.execute(statement, values)) as rows:
            found = rows.fetchall()
        return [
            StoredJob(
                id=row[0], state=row[1], request=json.loads(row[2]), seeds=tuple(json.loads(row[3])),
                pictures=tuple(json.loads(row[4])), error=tuple(json.loads(row[5])) if row[5] else None,
                body=row[6], created=row[7],
            )
            for row in found
        ]  # fmt: skip
