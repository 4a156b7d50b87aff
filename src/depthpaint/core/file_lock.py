"""Locks on open files, which the system releases when their process ends, however it ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, which has no such locks
    fcntl = None

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
HAS_LOCKS = fcntl is not None
"""Where there are none, an open file cannot be renamed or removed either."""


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file; False where this file system knows no locks.

    Raises BlockingIOError where another process holds it.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def wait_for_shared_lock(descriptor: int) -> None:
    """Lock an open file as one of several, when no process holds it alone any more."""
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def is_still_at(descriptor: int, path: Path) -> bool:
    """Whether `path` names the open file: it may have been removed or replaced since it was opened."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))
