"""One batch at a time in a folder: a lock that the system lets go when its process ends, however it ends."""

from __future__ import annotations

import errno
from pathlib import Path

from depthpaint.batch.mark import has_mark, is_cut
from depthpaint.batch.own_file import Kind, header
from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import require_own
from depthpaint.inputs.file_kind import PNG_SIGNATURE

try:
    import fcntl
except ImportError:  # Windows, where nobody holds a second batch off
    fcntl = None

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


def lock(descriptor: int, path: Path, *, shared: bool = False) -> bool:
    """Lock an open file for as long as it is open; False where this file system knows no locks.

    Raises OutputError output_locked where another process holds it.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(
            f"another depthpaint batch is at work in {path.parent}",
            code=ErrorCode.OUTPUT_LOCKED,
            value=str(path),
            remedy="wait until it ends, choose another --out, or let both take a --shard",
        ) from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of a batch that was killed, which no other process has in use.

    Those of other commands, and a file of the user's that only has such a name, stay.
    """
    for path in folder.glob(".tmp-" + "[0-9a-f]" * 16):
        try:
            require_own(path, _is_leftover)
            path.unlink(missing_ok=True)
        except OSError:  # it is not the batch's, or cannot be read or removed
            continue


def _is_leftover(start: bytes) -> bool:
    """Whether a file that starts so is, or was to become, a picture of a batch or its ledger."""
    if start.startswith(PNG_SIGNATURE):
        return is_cut(start) or has_mark(start)
    ledger = header(Kind.LEDGER)
    return start.startswith(ledger) or ledger.startswith(start) or PNG_SIGNATURE.startswith(start)
