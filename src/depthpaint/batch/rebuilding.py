"""A ledger that was lost or damaged, written anew from the pictures."""

from __future__ import annotations

import os
from pathlib import Path

from depthpaint.batch.folder_lock import lock
from depthpaint.batch.ledger import ledger_name
from depthpaint.batch.ledger_lines import Entry, entry_line
from depthpaint.batch.manifest import Shard
from depthpaint.batch.mark import mark_of
from depthpaint.core.files import output_error, write_atomic
from depthpaint.record.png_text import read_record
from depthpaint.record.run_record import RecordError


def rebuild(folder: Path) -> int:
    """Write the folder's ledger anew from the pictures themselves; how many there are.

    Raises OutputError; output_locked where a batch is at work.
    """
    path = folder / ledger_name(Shard())
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise output_error(path, error) from error
    try:
        lock(held, path)
        lines = [line for picture in sorted(folder.glob("*.png")) if (line := _line_of(picture))]
        write_atomic(path, b"".join(lines), overwrite=True)
    finally:
        os.close(held)
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
