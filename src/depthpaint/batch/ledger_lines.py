"""The lines of a ledger: one of JSON for each picture, with its record."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from depthpaint.batch.own_file import Kind, header
from depthpaint.core.errors import ErrorCode
from depthpaint.core.files import open_regular
from depthpaint.record.run_record import LONGEST_RECORD, RecordError

ENTRY_VERSION = 1
_ENTRY = re.compile(
    rb'\{"version":(\d+),"file":("(?:[^"\\]|\\.)*"),"job":"([0-9a-f]{64})","weights":"([0-9a-f+]*)","record":\{.*\}\}\n'
)
_ANY_VERSION = re.compile(rb'\{"version":(\d+),')
_LONGEST_LINE = LONGEST_RECORD + 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """What a line says of a picture beside its record: the file, its job's key, what painted it."""

    file: str
    job: str
    weights: str


def entry_line(entry: Entry, record: str) -> bytes:
    """A picture's line."""
    file = json.dumps(entry.file)
    head = f'{{"version":{ENTRY_VERSION},"file":{file},"job":"{entry.job}","weights":"{entry.weights}"'
    return f'{head},"record":{record}}}\n'.encode()


def entries(path: Path) -> Iterator[Entry]:
    """What the ledger says, line by line; a last line that was cut is left out.

    Raises RecordError where it is damaged or of a later version.
    """
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        for number, line in enumerate(_lines(file), start=1):
            if number == 1 and line == header(Kind.LEDGER):
                continue
            if not line.endswith(b"\n") and not file.peek(1):
                return
            found = _ENTRY.fullmatch(line)
            if found is None or int(found[1]) != ENTRY_VERSION:
                raise _refused(path, number, line)
            yield Entry(json.loads(found[2]), found[3].decode(), found[4].decode())


def _lines(file: BufferedReader) -> Iterator[bytes]:
    while line := file.readline(_LONGEST_LINE):
        yield line


def _refused(path: Path, number: int, line: bytes) -> RecordError:
    version = _ANY_VERSION.match(line)
    if version is not None and int(version[1]) > ENTRY_VERSION:
        why = f"line {number} has version {int(version[1])}, this depthpaint writes version {ENTRY_VERSION}"
        remedy = "use the depthpaint that wrote it, or a newer one"
    else:
        why = f"line {number} is damaged"
        remedy = "write it anew from the pictures with --rebuild-ledger"
    return RecordError(f"{path}: {why}", code=ErrorCode.RECORD_DAMAGED, value=str(path), remedy=remedy)
