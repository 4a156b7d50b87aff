"""What a row asks for: a request, and perhaps the name of its picture."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from depthpaint.batch.manifests.row import Row
from depthpaint.core.errors import DepthError, ErrorCode, ParameterError
from depthpaint.core.files import require_short_name
from depthpaint.inputs.regular_file import STDIN
from depthpaint.record.picture_file import checked_name
from depthpaint.request import Request, request_from

NAME = "name"
"""The one column that is no field of the request: the file name of the row's picture, without folder."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row that was understood. Without a `name` its pictures are named by what they are."""

    line: int
    request: Request
    name: str | None

    @property
    def files(self) -> list[str]:
        """The file names that the row asks for; none where it leaves them open."""
        if self.name is None:
            return []
        count = len(self.request.seeds)
        stems = [self.name] if count == 1 else [f"{self.name}-{k + 1}" for k in range(count)]
        return [f"{stem}.png" for stem in stems]

    def pictures(self) -> list[Request]:
        """One request for each of its pictures, so that each can be made without the others.

        Picture k has the seed plus k, as an engine gives several.
        """
        return [self.request.with_seed(seed) for seed in self.request.seeds]


def wanted(row: Row, folder: Path, defaults: Mapping[str, object]) -> Wanted:
    """Check a row; `defaults` hold where it says nothing, and relative depth paths start at `folder`.

    Raises ParameterError that names all its problems, OutputError for a name that is more than a name.
    """
    if row.problem:
        raise ParameterError(row.problem, code=ErrorCode.INVALID_PARAMETER, remedy="mend the manifest")
    values = {**defaults, **row.values}
    name = values.pop(NAME, None)
    depth = values.get("depth")
    if depth == STDIN:
        raise ParameterError(
            "depth: a row has no standard input", code=ErrorCode.INVALID_PARAMETER, remedy="name a file"
        )
    if isinstance(depth, str) and "\0" not in depth:
        values["depth"] = str(folder / depth)
    request = request_from(values)
    asked = Wanted(row.line, request, None if name is None else checked_name(str(name))[: -len(".png")])
    for file in asked.files:
        require_short_name(file)
    return asked


def require_depth_file(path: Path) -> None:
    """Raise DepthError where no regular file is at `path`; its content is looked at when it is painted."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise _missing(path, reason) from error
    if not stat.S_ISREG(mode):
        raise _missing(path, "it is no regular file")


def _missing(path: Path, reason: str) -> DepthError:
    return DepthError(
        f"cannot read {path}: {reason}",
        code=ErrorCode.DEPTH_UNREADABLE,
        value=str(path),
        remedy="paths in a manifest start at the folder that it lies in",
    )
