"""The ledger beside the pictures: one line of JSON for each, added when the picture is there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from depthpaint.batch.fingerprints import Fingerprints
from depthpaint.batch.folder_lock import cut_unfinished_line, lock, remove_leftovers
from depthpaint.batch.ledger_lines import Entry, entries, entry_line
from depthpaint.batch.manifest import Shard
from depthpaint.core.errors import DepthpaintError, OutputError
from depthpaint.core.files import output_error


def ledger_name(shard: Shard) -> str:
    """The ledger's name in the output folder; each shard has its own."""
    return "records.jsonl" if shard.of == 1 else f"records-{shard.index}-of-{shard.of}.jsonl"


class Ledger:
    """Lines are only ever added, each in one write that is on the disk before the next picture begins.

    As long as it is open, no other batch can work in the folder but other shards. Of a million
    pictures it remembers a fingerprint each.
    """

    def __init__(self, folder: Path, shard: Shard) -> None:
        self.path = folder / ledger_name(shard)
        self._known = Fingerprints()
        self._guards: list[int] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._open(folder, shard)
            for entry in entries(self.path):
                self._known.add(_told(entry))
        except DepthpaintError:
            self.close()
            raise
        except (OSError, ValueError) as error:
            self.close()
            raise output_error(self.path, error) from error

    def close(self) -> None:
        """Let others in."""
        while self._guards:
            os.close(self._guards.pop())

    def knows(self, entry: Entry) -> bool:
        """Whether there is a line for it."""
        return _told(entry) in self._known

    def add(self, entry: Entry, record: str) -> None:
        """Add a picture with its record as JSON, if it is not there."""
        if self.knows(entry):
            return
        line = entry_line(entry, record)
        try:
            size = os.fstat(self._file).st_size
            if os.write(self._file, line) != len(line):
                os.ftruncate(self._file, size)  # a disk that is full takes a part
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError as error:
            raise output_error(self.path, error) from error
        self._known.add(_told(entry))

    def _open(self, folder: Path, shard: Shard) -> int:
        file = self._guard(self.path)
        if shard.of == 1:
            lock(file, self.path)
            remove_leftovers(folder)
        else:
            whole = folder / ledger_name(Shard())
            guard = self._guard(whole)
            try:
                lock(guard, whole)
                # Nobody else is here, so that what lies around belongs to nobody.
                remove_leftovers(folder)
            except OutputError:
                pass
            lock(guard, whole, shared=True)
            lock(file, self.path)
        cut_unfinished_line(file)
        return file

    def _guard(self, path: Path) -> int:
        self._guards.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666))
        return self._guards[-1]


def _told(entry: Entry) -> str:
    return f"{entry.file} {entry.job} {entry.weights}"
