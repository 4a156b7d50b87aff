"""The files that a batch keeps beside its pictures, and the lock of its folder.

An existing file is changed only after it was recognised as a batch's own.
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
from depthpaint.batch.mark import has_mark, is_begun, is_cut
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

VERSION = 2
"""Of these files. Version 1 had no header; its files are recognised by their first line, and continued."""


class Kind(StrEnum):
    """The content of a file: the ledger, the failures of the last run, the times of the pictures."""

    LEDGER = "ledger"
    FAILURES = "failures"
    TIMES = "times"


_STEMS = {Kind.LEDGER: "records", Kind.FAILURES: "failures", Kind.TIMES: "times"}
_HEADER = re.compile(rb'\{"version":(\d{1,9}),"depthpaint":"([a-z]+)"\}\n')
# A ledger's line may be longer than the part that is checked.
_FIRST_LINES = {
    Kind.LEDGER: re.compile(
        rb'\{"version":1,"file":"(?:[^"\\]|\\.)*","job":"[0-9a-f]{64}","weights":"[0-9a-f+]*","record":\{'
    ),
    Kind.FAILURES: re.compile(rb'\{"line": \d+, "code": "[a-z_]+", "message": "'),
    Kind.TIMES: re.compile(rb'\{"file": "(?:[^"\\]|\\.)*", "seconds": \{'),
}


def header(kind: Kind) -> bytes:
    """The header line of a file."""
    return f'{{"version":{VERSION},"depthpaint":"{kind}"}}\n'.encode()


def own_path(folder: Path, kind: Kind, shard: Shard) -> Path:
    """The path of a file in the output folder; each shard has its own."""
    return folder / f"{_STEMS[kind]}{_part(shard)}.jsonl"


def table_path(folder: Path, shard: Shard) -> Path:
    """The table of results in the output folder (record.flat_table); each shard has its own."""
    return folder / f"results{_part(shard)}.csv"


def _part(shard: Shard) -> str:
    return "" if shard.of == 1 else f"-{shard.index}-of-{shard.of}"


def require_own_files(folder: Path, manifest: Manifest) -> None:
    """Raise OutputError if a file that the batch would write is not its own, or is the manifest.

    Changes nothing.
    """
    # Shards lock the ledger of the whole batch, too.
    files = [(kind, own_path(folder, kind, manifest.shard)) for kind in Kind]
    files.append((Kind.LEDGER, own_path(folder, Kind.LEDGER, Shard())))
    for kind, path in files:
        require_other_file(path, manifest.path)
        require_own(path, lambda start, kind=kind, path=path: _is_own(start, kind, path))


class OwnFile:
    """A file of `kind`, open for appending lines; created if missing.

    Raises OutputError output_exists if the file is not a batch's; it is then left unchanged.
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
        """Prepare it for lines: write the header, or remove an incomplete last line."""
        end = _end_of_lines(self.descriptor)
        try:
            if end < os.fstat(self.descriptor).st_size:
                os.ftruncate(self.descriptor, end)
        except OSError as error:
            raise output_error(self.path, error) from error
        if end == 0:
            self.add(header(self._kind))

    def add(self, line: bytes, *, durable: bool = False) -> None:
        """Append a line, all or nothing; `durable` syncs it to disk. Raises OutputError."""
        try:
            size = os.fstat(self.descriptor).st_size
            if os.write(self.descriptor, line) != len(line):
                os.ftruncate(self.descriptor, size)  # a full disk may take a part
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if durable:
                os.fsync(self.descriptor)
        except OSError as error:
            raise output_error(self.path, error) from error

    def add_values(self, values: Mapping[str, object]) -> None:
        """Append a line of JSON."""
        self.add(json.dumps(values).encode() + b"\n")

    def close(self) -> None:
        """Close it, which also releases its lock."""
        os.close(self.descriptor)


def _is_own(start: bytes, kind: Kind, path: Path) -> bool:
    """Whether a file with this start is one of `kind`. Raises OutputError for a later version."""
    if (match := _HEADER.match(start)) is not None:
        if int(match[1]) > VERSION and match[2] == kind.encode():
            raise _newer(path, int(match[1]))
        return match[2] == kind.encode()
    # A header may be incomplete; then nothing follows it.
    return header(kind).startswith(start) or _FIRST_LINES[kind].match(start) is not None


def _newer(path: Path, version: int) -> OutputError:
    return OutputError(
        f"{path} has version {version}, but this depthpaint writes version {VERSION}",
        code=ErrorCode.OUTPUT_EXISTS,
        value=str(path),
        remedy="use the depthpaint that wrote it, or a newer one",
    )


def _end_of_lines(descriptor: int) -> int:
    """The position after the last line end of an open file."""
    end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - PROOF_BYTES)
        line_end = _read_at(descriptor, start, end - start).rfind(b"\n")
        if line_end >= 0:
            return start + line_end + 1
        end = start
    return 0


def _read_at(descriptor: int, start: int, size: int) -> bytes:
    os.lseek(descriptor, start, os.SEEK_SET)
    return os.read(descriptor, size)


def lock(descriptor: int, path: Path, *, shared: bool = False) -> bool:
    """Lock an open file until it is closed; False if the file system has no locks.

    Raises OutputError output_locked if another process holds the lock, or has replaced the file meanwhile.
    """
    try:
        locked = try_lock(descriptor, shared=shared)
        # The previous holder may have replaced the file: then the new one has to be locked.
        if not locked or is_still_at(descriptor, path):
            return locked
        held = None
    except BlockingIOError as error:
        held = error
    raise OutputError(
        f"another depthpaint batch is running in {path.parent}",
        code=ErrorCode.OUTPUT_LOCKED,
        value=str(path),
        remedy="wait until it ends, choose another --out, or give both a --shard",
    ) from held


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of a batch that was killed, unless another process uses them.

    Files in use (core.files), and user files that only have such a name, are kept.
    """
    for path in folder.glob(".tmp-" + "[0-9a-f]" * 16):
        try:
            require_own(path, _is_leftover)
            _remove_unless_held(path)
        except OSError:  # not the batch's, or not readable or removable
            continue


def _remove_unless_held(path: Path) -> None:
    """Remove a temporary file unless a process is writing it. Raises OSError if one is.

    It is kept if the file system has no locks, because use cannot be detected.
    """
    if not HAS_LOCKS:  # Windows does not remove open files
        path.unlink(missing_ok=True)
        return
    descriptor = open_regular(path, os.O_RDONLY)
    try:
        if try_lock(descriptor):
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _is_leftover(start: bytes) -> bool:
    """Whether a file with this start is an incomplete picture of a batch or an incomplete ledger."""
    ledger = header(Kind.LEDGER)
    if start.startswith(ledger) or ledger.startswith(start):
        return True
    return is_begun(start) or is_cut(start) or has_mark(start)
