"""The painted pictures of a folder and their records."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import is_folder
from depthpaint.record.png_text import read_record
from depthpaint.record.run_record import RecordError, RunRecord

MOST_LEVELS = 64
"""Folders in folders that are looked into."""


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
    for path in picture_files(folder, lambda below, why: left_out.append((below, why))):
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


def picture_files(folder: Path, on_left_out: Callable[[Path, str], None] | None = None) -> list[Path]:
    """Every PNG below `folder`, sorted; `on_left_out` is given the folders that are not looked into, and why.

    Raises OutputError where `folder` is none that can be read.
    """
    try:
        if not folder.is_dir():
            raise NotADirectoryError(20, "it is no folder")
        found: list[Path] = []
        waiting = [(folder, 0)]
        while waiting:
            below, level = waiting.pop()
            try:
                inner = _listed(below, found)
            except OSError as error:
                if level == 0:
                    raise
                _leave_out(on_left_out, below, f"it cannot be read: {error.strerror}")
                continue
            for path in inner:
                if level < MOST_LEVELS:
                    waiting.append((path, level + 1))
                else:
                    _leave_out(on_left_out, path, f"it lies more than {MOST_LEVELS} folders deep")
        return sorted(found)
    except OSError as error:
        raise OutputError(
            f"cannot read {folder}: {error.strerror}",
            code=ErrorCode.RECORD_MISSING,
            value=str(folder),
            remedy="name the folder that generate or batch wrote into",
        ) from error


def _listed(folder: Path, found: list[Path]) -> list[Path]:
    """The folders in `folder`; its PNGs are added to `found`. Links to folders are not followed."""
    inner: list[Path] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                inner.append(path)
            # What is no regular file either is refused when it is read, and so named.
            elif path.suffix.lower() == ".png" and not is_folder(path):
                found.append(path)
    return inner


def _leave_out(on_left_out: Callable[[Path, str], None] | None, folder: Path, why: str) -> None:
    if on_left_out is not None:
        on_left_out(folder, why)
