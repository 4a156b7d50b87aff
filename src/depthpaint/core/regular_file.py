"""Read user-given files with a size limit, and files of the package with a check of their digest."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import select
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from depthpaint.core.errors import DepthError, DepthpaintError, ErrorCode, ModelError

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What kind of file is expected, and the errors for one that cannot be read or is too large."""

    what: str
    error: type[DepthpaintError]
    unreadable: ErrorCode
    too_large: ErrorCode


DEPTH_MAP = Wanted("depth map", DepthError, ErrorCode.DEPTH_UNREADABLE, ErrorCode.DEPTH_TOO_LARGE)

_PIECE = 1 << 20
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(slots=True)
class _StandardInput:
    """Standard input, which can be read only once, and the data read from it."""

    stream: BinaryIO | None = None
    data: bytes = b""


_standard_input = _StandardInput()


def read_input(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read standard input to its end where `path` is "-", else a regular file (see `read_regular_file`).

    Standard input is kept, because a map is read again for each picture and when a picture is verified.
    """
    if os.fspath(path) != STDIN:
        return read_regular_file(path, max_bytes)
    if sys.stdin is None or sys.stdin.isatty():
        raise DepthError(
            "there is no data on standard input",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy="pipe a depth map in, as in: depthpaint inspect - < depth.png",
            value=STDIN,
        )
    stream = sys.stdin.buffer
    if stream is not _standard_input.stream:
        _standard_input.data = _read_stream(stream, "standard input", max_bytes + 1)
        _standard_input.stream = stream
    return _bounded(_standard_input.data, "standard input", max_bytes)


def read_stream(stream: BinaryIO, name: str, max_bytes: int) -> bytes:
    """Read an open binary file from where it stands to its end; errors call it `name`.

    Raises DepthError: unreadable for a closed file or one opened as text, too large.
    """
    return _bounded(_read_stream(stream, name, max_bytes + 1), name, max_bytes)


def _bounded(data: bytes, name: str, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise _too_large(Path(name), len(data), max_bytes, DEPTH_MAP)
    return data


def _read_stream(stream: BinaryIO, name: str, most: int) -> bytes:
    """Read to the end, or `most` bytes; waits for data on a non-blocking pipe."""
    try:
        return _pieces_of(stream, most)
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(Path(name), _reason(error), DEPTH_MAP) from error


def _pieces_of(stream: BinaryIO, most: int) -> bytes:
    if isinstance(stream, io.TextIOBase):
        raise TypeError("it is opened as text; open it with 'rb'")
    pieces: list[bytes] = []
    total = 0
    while total < most:
        piece = cast("object", stream.read(min(_PIECE, most - total)))
        if not isinstance(piece, bytes | None):
            raise TypeError(f"read() returns {type(piece).__name__}, not bytes")
        if piece is None:
            select.select([stream], [], [])
        elif piece:
            pieces.append(piece)
            total += len(piece)
        else:
            break
    return b"".join(pieces)


def read_regular_file(path: str | os.PathLike[str], max_bytes: int, wanted: Wanted = DEPTH_MAP) -> bytes:
    """Read the whole of a regular file of at most `max_bytes`.

    Raises the error of `wanted`, DepthError by default: unreadable if it is not a regular file or cannot be
    read, too large. Does not block on pipes, and does not map the file into memory (if a mapped file
    shrinks, the process is killed).
    """
    path = Path(path)
    try:
        # Checked before opening, because opening a device can have side effects.
        _require_regular(path, path.stat(), wanted)
        flags = (
            os.O_RDONLY
            | getattr(os, "O_NONBLOCK", 0)
            | getattr(os, "O_BINARY", 0)
            | getattr(os, "O_NOCTTY", 0)
        )
        with os.fdopen(os.open(path, flags), "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            _require_regular(path, status, wanted)  # it may have been replaced since
            if status.st_size > max_bytes:
                raise _too_large(path, status.st_size, max_bytes, wanted)
            # One read of the expected size copies nothing; the loop handles files that grow or report a wrong
            # size.
            pieces = [_read_piece(file, status.st_size + 1)]
            total = len(pieces[0])
            while pieces[-1] and total <= max_bytes:
                pieces.append(_read_piece(file, _PIECE))
                total += len(pieces[-1])
    except (OSError, ValueError) as error:
        if isinstance(error, DepthpaintError):
            raise
        raise _unreadable(path, _reason(error), wanted) from error
    if total > max_bytes:
        raise _too_large(path, total, max_bytes, wanted)
    return b"".join(filter(None, pieces))


def _read_piece(file: io.FileIO, most: int) -> bytes:
    data = file.read(most)
    # Some files of /proc are reported as regular, but block like a pipe.
    if data is None:
        raise BlockingIOError(errno.EAGAIN, "it has no end")
    return data


def _require_regular(path: Path, status: os.stat_result, wanted: Wanted) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for matches, name in _KINDS if matches(status.st_mode)), "not a regular file")
        raise _unreadable(path, f"it is {kind}", wanted)


def _reason(error: OSError | ValueError | TypeError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, BlockingIOError):
        return "it has no end"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    return str(error)


def _unreadable(path: Path, reason: str, wanted: Wanted) -> DepthpaintError:
    return wanted.error(
        f"cannot read {path}: {reason}",
        code=wanted.unreadable,
        remedy=f"give the path of a {wanted.what}",
        value=str(path),
    )


def _too_large(path: Path, size: int, max_bytes: int, wanted: Wanted) -> DepthpaintError:
    return wanted.error(
        f"{path} is too large: {size:,} bytes, the limit is {max_bytes:,}",
        code=wanted.too_large,
        remedy=f"give a smaller {wanted.what}",
        value=size,
        limit=max_bytes,
    )


REMEDY = "reinstall depthpaint"
AT_ONCE = 16 << 20
"""Bytes hashed at once: between two pieces a thread waits for the interpreter lock. Smaller pieces took four
times as long beside a thread that imports."""


def require_digest(owner: str, path: Path, expected: object) -> str:
    """Return the sha256 of a file, hexadecimal, after checking that it is `expected`.

    `owner` is the name of what the file belongs to, for messages. Raises ModelError: model_not_found,
    model_hash_mismatch.
    """
    digest = digest_of(owner, path)
    if digest != expected:
        raise other_digest(owner, path.name, digest, expected)
    return digest


def require_digests(owner: str, folder: Path, expected: Mapping[str, object]) -> None:
    """As `require_digest`, for several files of `folder`, by name."""
    for name, digest in expected.items():
        require_digest(owner, folder / name, digest)


def digest_of(owner: str, path: Path) -> str:
    """The sha256 of a shipped file, hexadecimal. Raises ModelError model_not_found."""
    try:
        summed = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(AT_ONCE):
                summed.update(piece)
    except OSError as error:
        raise missing(owner, path.name) from error
    return summed.hexdigest()


def missing(owner: str, name: str) -> ModelError:
    """The error for a missing file of the package."""
    return ModelError(
        f"{owner}: the file {name} is missing",
        code=ErrorCode.MODEL_NOT_FOUND,
        value=name,
        remedy=REMEDY,
    )


def other_digest(owner: str, name: str, digest: str, expected: object) -> ModelError:
    """The error for a file of the package that was changed."""
    return ModelError(
        f"{owner}: {name} has sha256 {digest[:10]}…, expected {str(expected)[:10]}…",
        code=ErrorCode.MODEL_HASH_MISMATCH,
        value=digest,
        limit=expected,
        remedy=REMEDY,
    )


DOCUMENT = "model.json"
OWN_DIGEST = "document_sha256"
"""The key for the digest of the rest of the document: changed settings would change pictures as well."""


def read_document(owner: str, folder: Path) -> dict[str, Any]:
    """Read and check `model.json` in `folder`, without reading the weights.

    `owner` is the model's name, for messages. Raises ModelError: model_not_found, model_truncated,
    model_hash_mismatch.
    """
    try:
        document: object = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    except OSError as error:
        raise missing(owner, DOCUMENT) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(owner) from error
    if not isinstance(document, dict):
        raise _damaged(owner)
    content = cast("dict[str, Any]", document)
    expected, digest = content.pop(OWN_DIGEST, None), _digest(content)
    if expected != digest:
        raise other_digest(owner, DOCUMENT, digest, expected)
    return content


def write_document(folder: Path, document: Mapping[str, object]) -> None:
    """Write `model.json` with its own digest, as `read_document` expects it."""
    signed = {**document, OWN_DIGEST: _digest(json.loads(json.dumps(document)))}
    (folder / DOCUMENT).write_text(json.dumps(signed, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _digest(document: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _damaged(owner: str) -> ModelError:
    return ModelError(
        f"{owner}: the file {DOCUMENT} is damaged",
        code=ErrorCode.MODEL_TRUNCATED,
        value=DOCUMENT,
        remedy=REMEDY,
    )


def input_digest(path: Path, max_bytes: int, wanted: Wanted = DEPTH_MAP) -> str:
    """sha256 of an input file of at most `max_bytes`; cached, because many pictures may be of one file.

    The cache key includes the inode's change time: a file can be rewritten and its modification time reset,
    but not that. Raises the error of `wanted`.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise wanted.error(
            f"cannot read {path}: {error}",
            code=wanted.unreadable,
            value=str(path),
            remedy="restore it, and run the command again",
        ) from error
    state = status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return _file_digest(path, max_bytes, wanted, *state)


@lru_cache(1024)
def _file_digest(path: Path, max_bytes: int, wanted: Wanted, *state: int) -> str:
    del state
    return hashlib.sha256(read_regular_file(path, max_bytes, wanted)).hexdigest()
