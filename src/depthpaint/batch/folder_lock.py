"""One batch at a time in a folder: a lock that the system lets go when its process ends, however it ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from depthpaint.core.errors import ErrorCode, OutputError

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
    """Remove the temporary files of a batch that was killed, which nobody else has in use."""
    for path in folder.glob(".tmp-" + "[0-9a-f]" * 16):
        path.unlink(missing_ok=True)


def cut_unfinished_line(descriptor: int) -> None:
    """Cut what stands behind the last line end of an open file: a power cut may leave half a line."""
    size = end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - (1 << 16))
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(descriptor, end)
