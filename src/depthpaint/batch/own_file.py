"""The files that a batch keeps beside its pictures, and the lock of its folder.

None is changed before it is proved to be the batch's own.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from depthpaint.batch.manifest import Manifest, Shard
from depthpaint.batch.mark import has_mark, is_cut
from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import (
    HAS_LOCKS,
    PROOF_BYTES,
    is_still_at,
    not_own,
    open_regular,
    output_error,
    require_other_file,
    require_own,
    try_lock,
)
from depthpaint.formats.file_kind import PNG_SIGNATURE

VERSION = 2
"""Of the files. Version 1 had no header; its files are known by their first line, and are continued."""


class Kind(StrEnum):
    """What a file holds: the ledger, the failures of the last run, the times of the pictures."""

    LEDGER = "ledger"
    FAILURES = "failures"
    TIMES = "times"


_STEMS = {Kind.LEDGER: "records", Kind.FAILURES: "failures", Kind.TIMES: "times"}
_HEADER = re.compile(rb'\{"version":(\d{1,9}),"depthpaint":"([a-z]+)"\}\n')
# A ledger's line may be longer than what is looked at.
_FIRST_LINES = {
    Kind.LEDGER: re.compile(
        rb'\{"version":1,"file":"(?:[^"\\]|\\.)*","job":"[0-9a-f]{64}","weights":"[0-9a-f+]*","record":\{'
    ),
    Kind.FAILURES: re.compile(rb'\{"line": \d+, "code": "[a-z_]+", "message": "'),
    Kind.TIMES: re.compile(rb'\{"file": "(?:[^"\\]|\\.)*", "seconds": \{'),
}


def header(kind: Kind) -> bytes:
    """The first line of a file."""
    return f'{{"version":{VERSION},"depthpaint":"{kind}"}}\n'.encode()


def own_path(folder: Path, kind: Kind, shard: Shard) -> Path:
    """A file in the output folder; each shard has its own."""
    part = "" if shard.of == 1 else f"-{shard.index}-of-{shard.of}"
    return folder / f"{_STEMS[kind]}{part}.jsonl"


def require_own_files(folder: Path, manifest: Manifest) -> None:
    """Raise OutputError where a file that the batch writes is somebody else's, or the manifest.

    Nothing is changed.
    """
    # Shards lock the ledger of the whole, too.
    files = [(kind, own_path(folder, kind, manifest.shard)) for kind in Kind]
    files.append((Kind.LEDGER, own_path(folder, Kind.LEDGER, Shard())))
    for kind, path in files:
        require_other_file(path, manifest.path)
        require_own(path, lambda start, kind=kind, path=path: _is_own(start, kind, path))


class OwnFile:
    """A file of `kind`, open for lines to be added; made where there is none.

    Raises OutputError: output_exists where the file is not one of a batch; then nothing of it was changed.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self.path, self._kind = path, kind
        try:
            self.descriptor = open_regular(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        except OSError as error:
            raise error if isinstance(error, OutputError) else output_error(path, error) from error
        try:
            start = _read_at(self.descriptor, 0, PROOF_BYTES)
            if start and not _is_own(start, kind, path):
                raise not_own(path)
        except OutputError:
            self.close()
            raise

    def begin(self) -> None:
        """Make it ready for lines: write the header, and cut what a power cut left behind the last line."""
        end = _end_of_lines(self.descriptor)
        try:
            if end < os.fstat(self.descriptor).st_size:
                os.ftruncate(self.descriptor, end)
        except OSError as error:
            raise output_error(self.path, error) from error
        if end == 0:
            self.add(header(self._kind))

    def add(self, line: bytes, *, durable: bool = False) -> None:
        """Add a line, whole or not at all; `durable` waits until it is on the disk. Raises OutputError."""
        try:
            size = os.fstat(self.descriptor).st_size
            if os.write(self.descriptor, line) != len(line):
                os.ftruncate(self.descriptor, size)  # a disk that is full takes a part
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if durable:
                os.fsync(self.descriptor)
        except OSError as error:
            raise output_error(self.path, error) from error

    def add_values(self, values: Mapping[str, object]) -> None:
        """Add a line of JSON."""
        self.add(json.dumps(values).encode() + b"\n")

    def close(self) -> None:
        """Close it, which also ends its lock."""
        os.close(self.descriptor)


def _is_own(start: bytes, kind: Kind, path: Path) -> bool:
    """Whether a file that starts so is one of `kind`. Raises OutputError for one of a later version."""
    if (found := _HEADER.match(start)) is not None:
        if int(found[1]) > VERSION and found[2] == kind.encode():
            raise _newer(path, int(found[1]))
        return found[2] == kind.encode()
    # A header may have been cut in the writing; nothing can stand behind it then.
    return header(kind).startswith(start) or _FIRST_LINES[kind].match(start) is not None


def _newer(path: Path, version: int) -> OutputError:
    return OutputError(
        f"{path} has version {version}, this depthpaint writes version {VERSION}",
        code=ErrorCode.OUTPUT_EXISTS,
        value=str(path),
        remedy="use the depthpaint that wrote it, or a newer one",
    )


def _end_of_lines(descriptor: int) -> int:
    """Where the last line end of an open file is."""
    end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - PROOF_BYTES)
        found = _read_at(descriptor, start, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _read_at(descriptor: int, start: int, size: int) -> bytes:
    os.lseek(descriptor, start, os.SEEK_SET)
    return os.read(descriptor, size)


def lock(descriptor: int, path: Path, *, shared: bool = False) -> bool:
    """Lock an open file for as long as it is open; False where this file system knows no locks.

    Raises OutputError output_locked where another process holds it, or has replaced the file meanwhile.
    """
    try:
        locked = try_lock(descriptor, shared=shared)
        # Whoever held it may have put another file in its place: then that is the one to lock.
        if not locked or is_still_at(descriptor, path):
            return locked
        held = None
    except BlockingIOError as error:
        held = error
    raise OutputError(
        f"another depthpaint batch is at work in {path.parent}",
        code=ErrorCode.OUTPUT_LOCKED,
        value=str(path),
        remedy="wait until it ends, choose another --out, or let both take a --shard",
    ) from held


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of a batch that was killed, which no other process has in use.

    Those that a process is writing (core.files), and a file of the user's that only has such a name, stay.
    """
    for path in folder.glob(".tmp-" + "[0-9a-f]" * 16):
        try:
            require_own(path, _is_leftover)
            _remove_unless_held(path)
        except OSError:  # it is not the batch's, or cannot be read or removed
            continue


def _remove_unless_held(path: Path) -> None:
    """Remove a temporary file that no process is writing. Raises OSError where one is.

    It stays where the file system knows no locks: nothing shows whether it is in use.
    """
    if not HAS_LOCKS:  # Windows, which removes no open file
        path.unlink(missing_ok=True)
        return
    descriptor = open_regular(path, os.O_RDONLY)
    try:
        if try_lock(descriptor):
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _is_leftover(start: bytes) -> bool:
    """Whether a file that starts so is, or was to become, a picture of a batch or its ledger."""
    if start.startswith(PNG_SIGNATURE):
        return is_cut(start) or has_mark(start)
    ledger = header(Kind.LEDGER)
    return start.startswith(ledger) or ledger.startswith(start) or PNG_SIGNATURE.startswith(start)
