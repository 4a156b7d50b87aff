"""Files that are whole or absent, and names that every file system takes."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import sys
import unicodedata
from pathlib import Path

from depthpaint.core.errors import ErrorCode, OutputError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
# Windows gives these names to devices, with any extension.
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}
)
_MAX_STEM_BYTES = 180


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The digest of a file's content, hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_file(path: Path) -> bool:
    """Whether there is such a file; False, and no OSError, for a name that no file can have."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; False, and no OSError, for a name that none can have."""
    return os.path.isdir(path)  # noqa: PTH112


def write_atomic(path: str | os.PathLike[str], data: bytes, overwrite: bool) -> None:
    """Write a file so that its name never stands for half of it, not even after a power cut.

    Raises OutputError: output_exists where `path` exists and `overwrite` is false, disk_full,
    output_not_writable.
    """
    path = Path(path)
    # The same folder, because a rename is atomic only inside one file system.
    temporary = path.parent / f".tmp-{secrets.token_hex(8)}"
    try:
        _write_through(temporary, data)
        if overwrite:
            temporary.replace(path)
        else:
            _publish_new(temporary, path)
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:
        raise output_error(path, error) from error
    finally:
        _remove(temporary)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are missing. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise output_error(folder, NotADirectoryError(errno.ENOTDIR, "not a folder")) from error
    except (OSError, ValueError) as error:  # ValueError: a path that holds NUL or cannot be encoded
        raise output_error(folder, error) from error


def safe_stem(prompt: str, limit: int = 60) -> str:
    """A readable file name part for any prompt: lower-case words joined by "-", at most `limit` characters.

    Letters, digits and combining marks of every script stay; never empty ("picture"), never a reserved name.
    """
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", prompt[: limit * 20]).lower())
    kept = "".join(letter if _is_word(letter) else " " for letter in text)
    stem = ""
    for word in kept.split():
        longer = f"{stem}-{word}" if stem else word[:limit]
        if len(longer) > limit:
            break
        stem = longer
    # A name may hold 255 bytes, and a letter takes up to four.
    stem = stem.encode()[:_MAX_STEM_BYTES].decode(errors="ignore")
    # In the C locale file names are ASCII; what cannot be written is left out.
    stem = stem.encode(sys.getfilesystemencoding(), "ignore").decode(sys.getfilesystemencoding()).strip("-")
    return f"picture-{stem}" if stem in _RESERVED else stem or "picture"


def _is_word(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LMN"


def _write_through(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _publish_new(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # No hard links here (exFAT, some network folders): reserve the name, then rename over the
        # reservation.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        temporary.replace(path)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows opens no folders, and makes names durable by itself.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network folders cannot
            raise
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except (OSError, ValueError):
        return  # The first error is the one to tell.


def output_error(path: Path, error: OSError | ValueError) -> OutputError:
    """The error for a file that cannot be written: output_exists, disk_full or output_not_writable."""
    number = error.errno if isinstance(error, OSError) else None
    reason = re.sub(r"^\[Errno \d+\] ", "", str(error)) if number is None else os.strerror(number)
    if number == errno.EEXIST:
        code, remedy = ErrorCode.OUTPUT_EXISTS, "choose another name, or allow overwriting with --overwrite"
    elif number in _FULL:
        code, remedy = ErrorCode.DISK_FULL, "free some space, or choose another folder with --out"
    else:
        code, remedy = (
            ErrorCode.OUTPUT_NOT_WRITABLE,
            "choose a folder that exists and may be written to with --out",
        )
    return OutputError(f"cannot write {path}: {reason}", code=code, remedy=remedy, value=str(path))
