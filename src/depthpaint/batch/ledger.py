"""The ledger beside the pictures: one line of JSON each, in the manifest's order; rebuilt from pictures."""

from __future__ import annotations

import json
import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from depthpaint.batch.manifest import Shard
from depthpaint.batch.mark import Fingerprints, mark_of
from depthpaint.batch.own_file import Kind, OwnFile, header, lock, own_path, remove_leftovers
from depthpaint.core.errors import DepthpaintError, ErrorCode, OutputError
from depthpaint.core.files import make_folder, open_regular, output_error, write_atomic
from depthpaint.record.file_format import SUFFIXES
from depthpaint.record.picture_file import read_record
from depthpaint.record.run_record import LONGEST_RECORD, RecordError

ENTRY_VERSION = 1
_ENTRY = re.compile(
    rb'\{"version":(\d+),"file":("(?:[^"\\]|\\.)*"),"job":"([0-9a-f]{64})","weights":"([0-9a-f+]*)","record":(\{.*\})\}\n'
)
_ANY_VERSION = re.compile(rb'\{"version":(\d+),')
_LONGEST_LINE = LONGEST_RECORD + 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """A line without the picture's record: the file, its job's key, and the digests of the weights."""

    file: str
    job: str
    weights: str


def entry_line(entry: Entry, record: str) -> bytes:
    """A picture's line."""
    file = json.dumps(entry.file)
    head = f'{{"version":{ENTRY_VERSION},"file":{file},"job":"{entry.job}","weights":"{entry.weights}"'
    return f'{head},"record":{record}}}\n'.encode()


def entries(path: Path) -> Iterator[Entry]:
    """The entries of a ledger, line by line; an incomplete last line is ignored.

    Raises RecordError if it is damaged or of a later version.
    """
    return (entry for entry, _ in lines_of(path))


def lines_of(path: Path) -> Iterator[tuple[Entry, bytes]]:
    """As `entries`, each with the picture's record as JSON."""
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        for number, line in enumerate(_lines(file), start=1):
            if number == 1 and line == header(Kind.LEDGER):
                continue
            if not line.endswith(b"\n") and not file.peek(1):
                return
            match = _ENTRY.fullmatch(line)
            if match is None or int(match[1]) != ENTRY_VERSION:
                raise _refused(path, number, line)
            yield Entry(json.loads(match[2]), match[3].decode(), match[4].decode()), match[5]


def _lines(file: BufferedReader) -> Iterator[bytes]:
    while line := file.readline(_LONGEST_LINE):
        yield line


def _refused(path: Path, number: int, line: bytes) -> RecordError:
    version = _ANY_VERSION.match(line)
    if version is not None and int(version[1]) > ENTRY_VERSION:
        why = (
            f"line {number} has version {int(version[1])}, but this depthpaint writes version {ENTRY_VERSION}"
        )
        remedy = "use the depthpaint that wrote it, or a newer one"
    else:
        why = f"line {number} is damaged"
        remedy = "recreate it from the pictures with --rebuild-ledger"
    return RecordError(f"{path}: {why}", code=ErrorCode.RECORD_DAMAGED, value=str(path), remedy=remedy)


class Ledger:
    """An append-only ledger: each line is one write, synced to disk before the next picture starts.

    While it is open, only batches of other shards can write to the folder. For each line it keeps a
    fingerprint in memory.
    """

    def __init__(self, folder: Path, shard: Shard) -> None:
        self.path = own_path(folder, Kind.LEDGER, shard)
        self._fingerprints = Fingerprints()
        self._guards: list[OwnFile] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._open(folder, shard)
            for entry in entries(self.path):
                self._fingerprints.add(_line_key(entry))
        except DepthpaintError:
            self.close()
            raise
        except (OSError, ValueError) as error:
            self.close()
            raise output_error(self.path, error) from error

    def close(self) -> None:
        """Close the ledger and release its lock."""
        while self._guards:
            self._guards.pop().close()

    def contains(self, entry: Entry) -> bool:
        """Whether there is a line for it."""
        return _line_key(entry) in self._fingerprints

    def add(self, entry: Entry, record: str) -> None:
        """Add a picture with its record as JSON, if it is not in the ledger."""
        if self.contains(entry):
            return
        self._file.add(entry_line(entry, record), durable=True)
        self._fingerprints.add(_line_key(entry))

    def _open(self, folder: Path, shard: Shard) -> OwnFile:
        whole = own_path(folder, Kind.LEDGER, Shard())
        file = self._guard(whole)
        if shard.of == 1:
            lock(file.descriptor, whole)
            remove_leftovers(folder)
        else:
            try:
                lock(file.descriptor, whole)
                # No other batch is running, so temporary files are leftovers.
                remove_leftovers(folder)
            except OutputError:
                pass
            lock(file.descriptor, whole, shared=True)
            # Created only now, so that nothing is left behind if the folder is not a batch's.
            file = self._guard(self.path)
            lock(file.descriptor, self.path)
        file.begin()
        return file

    def _guard(self, path: Path) -> OwnFile:
        self._guards.append(OwnFile(path, Kind.LEDGER))
        return self._guards[-1]


def require_undamaged(folder: Path, shard: Shard) -> None:
    """Raise RecordError if the shard's ledger is damaged. Changes nothing."""
    path = own_path(folder, Kind.LEDGER, shard)
    try:
        for _ in entries(path):
            pass
    except FileNotFoundError:
        return
    except OSError as error:
        raise error if isinstance(error, DepthpaintError) else output_error(path, error) from error


def _line_key(entry: Entry) -> str:
    return f"{entry.file} {entry.job} {entry.weights}"


@dataclass(slots=True)
class _Turn:
    file: str
    settled: bool = False
    entry: Entry | None = None
    record: str | None = None


class Turns:
    """Pictures are written as soon as they are painted; their lines wait here for the earlier ones.

    If a batch is killed, waiting lines are not lost: the next run finds the pictures and adds their lines.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: deque[_Turn] = deque()
        self._open: dict[str, _Turn] = {}

    def take(self, file: str) -> None:
        """Reserve the next line for a picture that is started."""
        self._open[file] = _Turn(file)
        self._waiting.append(self._open[file])

    def fill(self, file: str, entry: Entry, record: str | None = None) -> None:
        """The picture is written; without `record` (JSON), read it from there. Raises DepthpaintError."""
        if file not in self._open:
            if self._ledger.contains(entry):
                return
            self.take(file)
        turn = self._open.pop(file)
        turn.settled, turn.entry, turn.record = True, entry, record
        self._advance()

    def drop(self, file: str) -> None:
        """The picture failed; release its line."""
        self._open.pop(file).settled = True
        self._advance()

    def _advance(self) -> None:
        while self._waiting and self._waiting[0].settled:
            turn = self._waiting.popleft()
            if turn.entry is not None and not self._ledger.contains(turn.entry):
                record = turn.record or read_record(self._ledger.path.parent / turn.file).to_json()
                self._ledger.add(turn.entry, record)


def rebuild(folder: Path) -> int:
    """Recreate the folder's ledger from its pictures; returns their number.

    Raises OutputError: output_exists if the file of that name is not a ledger, output_locked if a batch is
    running.
    """
    make_folder(folder)
    path = own_path(folder, Kind.LEDGER, Shard())
    held = OwnFile(path, Kind.LEDGER)
    try:
        lock(held.descriptor, path)
        pictures = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in SUFFIXES]
        lines = [line for picture in pictures if (line := _line_of(picture))]
        write_atomic(path, header(Kind.LEDGER) + b"".join(lines), overwrite=True)
    finally:
        held.close()
    return len(lines)


def _line_of(picture: Path) -> bytes | None:
    mark = mark_of(picture)
    if mark is None:
        return None
    try:
        record = read_record(picture)
    except RecordError:
        return None
    return entry_line(Entry(picture.name, mark.key, mark.weights), record.to_json())
