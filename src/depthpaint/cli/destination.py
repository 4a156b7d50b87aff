"""Where pictures go, and what is refused before any is painted."""

from __future__ import annotations

import glob
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import is_full, require_other_file, require_short_name
from depthpaint.record.names import SUFFIX

if TYPE_CHECKING:
    from depthpaint.request import Request

PREVIEW = "-step-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where pictures go and how: `name` is a file's stem, `preview_every` counts steps, 0 for none."""

    folder: Path
    name: str | None = None
    overwrite: bool = False
    sidecar: bool = False
    preview_every: int = 0

    def preview(self, stem: str, step: int) -> Path:
        """The file of a preview of the picture `stem` after `step` steps."""
        return self.folder / f"{stem}{PREVIEW}{step:03d}.png"


def stems(request: Request, destination: Destination) -> list[str] | None:
    """The stem of each picture's files, or None where each picture finds a free name when it is saved.

    Previews come before their picture and have to bear its name, so with them names are settled early.
    Raises OutputError for what is not a plain name.
    """
    from depthpaint.record.names import picture_names
    from depthpaint.record.picture_file import checked_name

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
    """Refuse a folder that cannot be written, a bad name and a name that is taken; return the `stems`.

    Nothing is left behind. Raises OutputError.
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
                f"{found} is there already",
                code=ErrorCode.OUTPUT_EXISTS,
                value=str(found),
                remedy="choose another --name, or allow overwriting with --overwrite",
            )
    return names


def refusal(folder: Path, error: OSError | ValueError) -> OutputError:
    """The error for a folder that cannot be written."""
    reason = error.strerror if isinstance(error, OSError) else error
    return OutputError(
        f"cannot write into {folder}: {reason}",
        code=ErrorCode.DISK_FULL if is_full(error) else ErrorCode.OUTPUT_NOT_WRITABLE,
        value=str(folder),
        remedy="name a folder that you may write to with --out",
    )


def _occupied(destination: Destination, stem: str) -> list[Path]:
    """The files that a picture of this stem would replace."""
    folder = destination.folder
    files = [folder / f"{stem}.png"]
    if destination.sidecar:
        files.append(folder / f"{stem}.json")
    if destination.preview_every:
        files += folder.glob(f"{glob.escape(stem)}{PREVIEW}*.png")
    # A link that leads nowhere also holds its name.
    return [path for path in files if os.path.lexists(path)]


def probe(folder: Path) -> None:
    """Write into the folder, or where it would be made: permission bits do not tell about read-only disks."""
    try:
        nearest = next((part for part in (folder, *folder.parents) if _there(part)), Path())
        # A file of no content, gone when closed.
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except (OSError, ValueError) as error:  # ValueError: a path that holds NUL or cannot be encoded
        raise refusal(folder, error) from error


def _there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
