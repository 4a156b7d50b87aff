"""Atomic writes, file locks, and file names that work on every file system."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from depthpaint.core.errors import ErrorCode, OutputError

try:
    import fcntl
except ImportError:  # not available on Windows
    fcntl = None

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
HAS_LOCKS = fcntl is not None
"""Where it is not available, an open file cannot be renamed or removed either."""


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file; False where the file system does not support locks.

    Raises BlockingIOError if another process holds the lock.
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
    """Take a shared lock on an open file; waits until no process holds it exclusively."""
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
        status = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(status, os.fstat(descriptor))


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
# Device names on Windows, with any extension.
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}
)
_MAX_STEM_BYTES = 180

LONGEST_NAME = 255
"""The longest file name in bytes."""

PROOF_BYTES = 1 << 16
"""Bytes at the start and at the end of a file that identify what wrote it."""


def is_full(error: BaseException) -> bool:
    """Whether an error means that the disk, a quota or the file size limit is exceeded."""
    return isinstance(error, OSError) and error.errno in _FULL


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The digest of a file's content, hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_file(path: Path) -> bool:
    """Whether the file exists; False instead of OSError for an invalid name."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether the folder exists; False instead of OSError for an invalid name."""
    return os.path.isdir(path)  # noqa: PTH112


def name_of(path: Path) -> str:
    """The display name of a file or folder: its last part, also where the path is "." or ".."; "/" is "/"."""
    if path.name not in ("", ".."):
        return path.name
    place = path.resolve()
    return place.name or str(place)


def expanded(path: str) -> Path:
    """`path` with "~" replaced by the home folder; unchanged if that user does not exist."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises an error instead


def write_atomic(path: str | os.PathLike[str], data: bytes, overwrite: bool) -> None:
    """Write a file atomically and durably: after a crash or power cut it is complete or absent.

    Raises OutputError: output_exists where `path` exists and `overwrite` is false, disk_full,
    output_not_writable.
    """
    path = Path(path)
    # The temporary file is in the same folder, because a rename is atomic only within one file system.
    temporary = path.parent / f".tmp-{secrets.token_hex(8)}"
    try:
        with _held(temporary) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if not HAS_LOCKS:
                file.close()
            if overwrite:
                temporary.replace(path)
            else:
                _publish_new(temporary, path)
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:
        raise output_error(path, error) from error
    finally:
        _remove(temporary)


def open_regular(path: Path, flags: int) -> int:
    """Open a regular file with the `flags` of os.open; does not follow links or block on pipes and devices.

    Raises OSError, and OutputError output_exists where something else has the name.
    """
    careful = ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC", "O_NOCTTY")
    for name in careful:
        flags |= getattr(os, name, 0)
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _not_a_file(path)
    except FileNotFoundError:
        pass  # Created below, or reported as missing.
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:  # replaced by a link in the meantime
            raise _not_a_file(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_a_file(path)
    return descriptor


def require_own(path: Path, is_own: Callable[[bytes], bool]) -> None:
    """Raise OutputError output_exists unless `path` is free, or a regular file that is empty or `is_own`.

    `is_own` is given the first and the last PROOF_BYTES of the file.
    """
    try:
        descriptor = open_regular(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise error if isinstance(error, OutputError) else output_error(path, error) from error
    with os.fdopen(descriptor, "rb") as file:
        proof = file.read(PROOF_BYTES)
        if (size := os.fstat(descriptor).st_size) > PROOF_BYTES:
            file.seek(max(PROOF_BYTES, size - PROOF_BYTES))
            proof += file.read(PROOF_BYTES)
    if proof and not is_own(proof):
        raise not_own(path)


def replace_own(path: Path, data: bytes, is_own: Callable[[bytes], bool]) -> None:
    """As `write_atomic`; replaces an existing file only if it `is_own` (see `require_own`)."""
    require_own(path, is_own)
    write_atomic(path, data, overwrite=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: the path contains NUL
        raise OutputError(
            f"cannot make the folder {folder}: {error.strerror if isinstance(error, OSError) else error}",
            code=ErrorCode.DISK_FULL if is_full(error) else ErrorCode.OUTPUT_NOT_WRITABLE,
            value=str(folder),
            remedy="choose another folder with --out",
        ) from error


def not_own(path: Path) -> OutputError:
    """The error for an existing file that depthpaint did not write."""
    return OutputError(
        f"{path} already exists, and depthpaint did not write it",
        code=ErrorCode.OUTPUT_EXISTS,
        value=str(path),
        remedy="move it away, or choose another folder with --out",
    )


def is_same_file(first: Path, second: Path) -> bool:
    """Whether both paths are the same file; False if one does not exist."""
    try:
        return first.samefile(second)
    except (OSError, ValueError):
        return False


def require_other_file(path: Path, source: Path) -> None:
    """Raise OutputError output_exists if the output `path` is the input file `source`."""
    if is_same_file(path, source):
        raise input_file(path)


def input_file(path: Path) -> OutputError:
    """The error for an output path that is also the input."""
    return OutputError(
        f"cannot write {path}: it is the input file",
        code=ErrorCode.OUTPUT_EXISTS,
        value=str(path),
        remedy="write to another name or folder",
    )


def require_short_name(name: str) -> None:
    """Raise OutputError output_path_escape for a file name of more than LONGEST_NAME bytes."""
    if len(os.fsencode(name)) > LONGEST_NAME:
        raise OutputError(
            f"the name {name[:20]}... is longer than the limit of {LONGEST_NAME} bytes",
            code=ErrorCode.OUTPUT_PATH_ESCAPE,
            value=name,
            limit=LONGEST_NAME,
            remedy="choose a shorter name",
        )


def _not_a_file(path: Path) -> OutputError:
    return OutputError(
        f"cannot write {path}: it is a link, a folder or a device, not a regular file",
        code=ErrorCode.OUTPUT_EXISTS,
        value=str(path),
        remedy="move it away, or choose another folder with --out",
    )


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
    # In the C locale file names are ASCII; other characters are left out.
    stem = stem.encode(sys.getfilesystemencoding(), "ignore").decode(sys.getfilesystemencoding()).strip("-")
    return f"picture-{stem}" if stem in _RESERVED else stem or "picture"


def _is_word(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LMN"


def _held(path: Path) -> BinaryIO:
    """A new file that is locked while it is open: a batch removes unlocked files of this kind."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        file = os.fdopen(os.open(path, flags, 0o666), "wb")
        try:
            wait_for_shared_lock(file.fileno())
            # Another process may have removed it before it was locked; then create it again.
            if is_still_at(file.fileno(), path):
                return file
        except OSError:
            file.close()
            raise
        file.close()


def _publish_new(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # No hard links here (exFAT, some network folders): reserve the name, then rename over it.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        temporary.replace(path)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open folders, and needs no sync.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not supported on some network folders
            raise
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except (OSError, ValueError):
        return  # The caller reports the first error.


def output_error(path: Path, error: OSError | ValueError) -> OutputError:
    """The error for a file that cannot be written: output_exists, disk_full or output_not_writable."""
    number = error.errno if isinstance(error, OSError) else None
    reason = re.sub(r"^\[Errno \d+\] ", "", str(error)) if number is None else os.strerror(number)
    if number == errno.EEXIST:
        code, remedy = ErrorCode.OUTPUT_EXISTS, "choose another name, or allow overwriting with --overwrite"
    elif number == errno.EFBIG:
        code = ErrorCode.DISK_FULL
        remedy = "allow larger files (ulimit -f), or choose a folder on another file system with --out"
    elif is_full(error):
        code, remedy = ErrorCode.DISK_FULL, "free some space, or choose another folder with --out"
    else:
        code, remedy = (
            ErrorCode.OUTPUT_NOT_WRITABLE,
            "choose a folder that exists and may be written to with --out",
        )
    return OutputError(f"cannot write {path}: {reason}", code=code, remedy=remedy, value=str(path))
