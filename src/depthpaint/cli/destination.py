"""Where pictures are saved, and what is checked there before anything is painted."""

from __future__ import annotations

import glob
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import is_full, require_other_file, require_short_name
from depthpaint.record.paths import SUFFIX, checked_name, picture_names
from depthpaint.request import Request

PREVIEW = "-step-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where pictures are saved. `preview_every` is a number of steps; 0 means no previews."""

    folder: Path
    name: str | None = None
    overwrite: bool = False
    sidecar: bool = False
    preview_every: int = 0

    def preview(self, stem: str, step: int) -> Path:
        """The file of a preview of the picture `stem` after `step` steps."""
        return self.folder / f"{stem}{PREVIEW}{step:03d}.png"


def stems(request: Request, destination: Destination) -> list[str] | None:
    """The stem of each picture's files, or None if each picture gets a free name when it is saved.

    Previews are saved before their picture and have its name, so with previews the names are chosen first.
    Raises OutputError for a name that is not a plain one.
    """
    if destination.name is not None:
        stem = checked_name(destination.name)[: -len(SUFFIX)]
        count = len(request.seeds)
        return [stem] if count == 1 else [f"{stem}-{k + 1}" for k in range(count)]
    if not destination.preview_every:
        return None

    def taken(name: str) -> bool:
        return not destination.overwrite and bool(_occupied(destination, name[: -len(SUFFIX)]))

    return [name[: -len(SUFFIX)] for name in picture_names(request.prompt, request.seeds, taken)]


def check_destination(request: Request, destination: Destination) -> list[str] | None:
    """Check that pictures can be saved, and return the `stems`. No file is left behind.

    Raises OutputError for a folder that cannot be written, a bad name, and a name that is in use.
    """
    probe(destination.folder)
    names = stems(request, destination)
    for stem in names or ():
        longest = destination.preview(stem, 1000).name if destination.preview_every else f"{stem}.json"
        require_short_name(longest)
        there = _occupied(destination, stem)
        for path in there:
            require_other_file(path, request.depth)
        if there and not destination.overwrite:
            found = there[0]
            raise OutputError(
                f"{found} exists already",
                code=ErrorCode.OUTPUT_EXISTS,
                value=str(found),
                remedy="choose another --name, or add --overwrite",
            )
    return names


def refusal(folder: Path, error: OSError | ValueError) -> OutputError:
    """The error for a folder that cannot be written."""
    reason = error.strerror if isinstance(error, OSError) else error
    return OutputError(
        f"cannot write into {folder}: {reason}",
        code=ErrorCode.DISK_FULL if is_full(error) else ErrorCode.OUTPUT_NOT_WRITABLE,
        value=str(folder),
        remedy="choose another folder with --out",
    )


def _occupied(destination: Destination, stem: str) -> list[Path]:
    """The files that a picture of this stem would replace."""
    folder = destination.folder
    files = [folder / f"{stem}.png"]
    if destination.sidecar:
        files.append(folder / f"{stem}.json")
    if destination.preview_every:
        files += folder.glob(f"{glob.escape(stem)}{PREVIEW}*.png")
    # lexists: a broken link also occupies its name.
    return [path for path in files if os.path.lexists(path)]


def probe(folder: Path) -> None:
    """Write into the folder, or into its nearest existing parent. Permission bits miss read-only disks."""
    try:
        nearest = next((part for part in (folder, *folder.parents) if _there(part)), Path())
        # An empty file, deleted when it is closed.
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except (OSError, ValueError) as error:  # ValueError: the path holds NUL or cannot be encoded
        raise refusal(folder, error) from error


def _there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
