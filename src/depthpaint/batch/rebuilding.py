"""A ledger that was lost or damaged, written anew from the pictures."""

from __future__ import annotations

from pathlib import Path

from depthpaint.batch.folder_lock import lock
from depthpaint.batch.ledger_lines import Entry, entry_line
from depthpaint.batch.manifest import Shard
from depthpaint.batch.mark import mark_of
from depthpaint.batch.own_file import Kind, OwnFile, header, own_path
from depthpaint.core.files import make_folder, write_atomic
from depthpaint.record.png_text import read_record
from depthpaint.record.run_record import RecordError


def rebuild(folder: Path) -> int:
    """Write the folder's ledger anew from the pictures themselves; how many there are.

    Raises OutputError: output_exists where the file of that name is not a ledger, output_locked where a
    batch is at work.
    """
    make_folder(folder)
    path = own_path(folder, Kind.LEDGER, Shard())
    held = OwnFile(path, Kind.LEDGER)
    try:
        lock(held.descriptor, path)
        lines = [line for picture in sorted(folder.glob("*.png")) if (line := _line_of(picture))]
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
