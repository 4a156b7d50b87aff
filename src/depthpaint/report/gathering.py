"""The painted pictures of a folder and their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import is_folder
from depthpaint.record.png_text import read_record
from depthpaint.record.run_record import RecordError, RunRecord


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture's file and what it says of itself."""

    path: Path
    record: RunRecord


@dataclass(frozen=True, slots=True)
class Gathered:
    """All painted pictures below a folder, by path, and what could not be taken in, with the reason."""

    folder: Path
    painted: tuple[Painted, ...]
    left_out: tuple[tuple[Path, str], ...]


def gather(folder: Path, on_file: Callable[[], None] | None = None) -> Gathered:
    """Read the record of every PNG below `folder`; PNGs of other programs are passed by.

    Raises OutputError where the folder cannot be read or holds no painted picture.
    """
    painted: list[Painted] = []
    left_out: list[tuple[Path, str]] = []
    for path in picture_files(folder):
        try:
            painted.append(Painted(path, read_record(path)))
        except RecordError as error:
            if error.code is not ErrorCode.RECORD_MISSING:
                left_out.append((path, str(error)))
        if on_file is not None:
            on_file()
    if not painted:
        first = "".join(f"; {path} is left out: {why}" for path, why in left_out[:1])
        raise OutputError(
            f"{folder} holds no picture that depthpaint painted{first}",
            code=ErrorCode.RECORD_MISSING,
            value=str(folder),
            remedy="name the folder that generate or batch wrote into",
        )
    return Gathered(folder, tuple(painted), tuple(left_out))


def picture_files(folder: Path) -> list[Path]:
    """Every PNG below `folder`, sorted. Raises OutputError where it is no folder that can be read."""
    try:
        if not folder.is_dir():
            raise NotADirectoryError(20, "it is no folder")
        return sorted(_below(folder))
    except OSError as error:
        raise OutputError(
            f"cannot read {folder}: {error.strerror}",
            code=ErrorCode.RECORD_MISSING,
            value=str(folder),
            remedy="name the folder that generate or batch wrote into",
        ) from error


def _below(folder: Path) -> Iterator[Path]:
    # What is no regular file either is refused when it is read, and so named.
    return (path for path in folder.rglob("*") if path.suffix.lower() == ".png" and not is_folder(path))
