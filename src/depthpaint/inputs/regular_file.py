"""Read a file that anybody may have named: a regular file of bounded size, or a typed error at once."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from depthpaint.core.errors import DepthError, ErrorCode

STDIN = "-"

_PIECE = 1 << 20
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_input(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read standard input to its end where `path` is "-", and a regular file otherwise; see there."""
    if os.fspath(path) != STDIN:
        return read_regular_file(path, max_bytes)
    if sys.stdin is None or sys.stdin.isatty():
        raise DepthError(
            "nothing comes in on standard input",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy="pipe a depth map in, as in: depthpaint inspect - < depth.png",
            value=STDIN,
        )
    data = sys.stdin.buffer.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise _too_large(Path("standard input"), len(data), max_bytes)
    return data


def read_regular_file(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read the whole of a regular file of at most `max_bytes`.

    Raises DepthError: depth_unreadable for what is no regular file or cannot be read, depth_too_large. Never
    hangs, never maps the file into memory (a file that shrinks under a map kills the process).
    """
    path = Path(path)
    try:
        # Looked at before opening, because opening a device can already do something.
        _require_regular(path, path.stat())
        flags = (
            os.O_RDONLY
            | getattr(os, "O_NONBLOCK", 0)
            | getattr(os, "O_BINARY", 0)
            | getattr(os, "O_NOCTTY", 0)
        )
        with os.fdopen(os.open(path, flags), "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            _require_regular(path, status)  # it may have been swapped since
            if status.st_size > max_bytes:
                raise _too_large(path, status.st_size, max_bytes)
            # One read of the right size copies nothing; the rest is for files that grow or lie about their
            # size.
            pieces = [file.read(status.st_size + 1)]
            total = len(pieces[0])
            while pieces[-1] and total <= max_bytes:
                pieces.append(file.read(_PIECE))
                total += len(pieces[-1])
    except (OSError, ValueError) as error:
        if isinstance(error, DepthError):
            raise
        raise _unreadable(path, _reason(error)) from error
    if total > max_bytes:
        raise _too_large(path, total, max_bytes)
    return b"".join(filter(None, pieces))


def _require_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for matches, name in _KINDS if matches(status.st_mode)), "no regular file")
        raise _unreadable(path, f"it is {kind}")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    return str(error)


def _unreadable(path: Path, reason: str) -> DepthError:
    return DepthError(
        f"cannot read {path}: {reason}",
        code=ErrorCode.DEPTH_UNREADABLE,
        remedy="give the path of a depth map",
        value=str(path),
    )


def _too_large(path: Path, size: int, max_bytes: int) -> DepthError:
    return DepthError(
        f"{path} is too large: {size:,} bytes, and {max_bytes:,} are allowed",
        code=ErrorCode.DEPTH_TOO_LARGE,
        remedy="make the depth map smaller",
        value=size,
        limit=max_bytes,
    )
