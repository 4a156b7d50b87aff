"""One batch at a time in a folder: a lock that the system lets go when its process ends, however it ends."""

from __future__ import annotations

import os
from pathlib import Path

from depthpaint.batch.mark import has_mark, is_cut
from depthpaint.batch.own_file import Kind, header
from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.file_lock import HAS_LOCKS, is_still_at, try_lock
from depthpaint.core.files import open_regular, require_own
from depthpaint.inputs.file_kind import PNG_SIGNATURE


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
