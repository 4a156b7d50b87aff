"""A job: one picture of a row, known by everything that decides it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from depthpaint.batch.plans import habits_of, learned_in
from depthpaint.batch.wanted import Wanted
from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.files import safe_stem
from depthpaint.core.setting import Default, settings_of
from depthpaint.inputs.regular_file import read_regular_file
from depthpaint.inputs.size_limit import max_file_bytes
from depthpaint.request import Request
from depthpaint.verify.choosing import Wish

KEY_VERSION = 1
"""Raised when the same request is to give another picture, so that what was made before is made again."""

_KEY_IN_NAME = 16
_DEFAULTS: dict[str, object] = {
    name: None if isinstance(setting.default, Default) else setting.default
    for name, setting in settings_of(Request).items()
    if name not in ("count", "max_pixels")
}


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to make: `request` has a count of 1, `file` is its name in the output folder.

    `key` is sha256 over all that decides the picture but the weights, which nobody knows before they are
    loaded: the request without the depth's path, the depth's bytes, and the model's habits. `named` says
    that the manifest chose the file's name; any other name holds the start of the key. `wish` is how the
    picture's depth has to agree; None where nobody looks.
    """

    line: int
    request: Request
    file: str
    named: bool
    key: str
    depth_sha256: str
    wish: Wish | None = None


def jobs_of(asked: Wanted, wish: Wish | None = None) -> Iterator[Job]:
    """The jobs of a row. Raises DepthError where its depth file cannot be read."""
    depth = depth_digest(asked.request.depth, max_file_bytes(asked.request.reading.max_pixels))
    names = asked.files
    for index, request in enumerate(asked.pictures()):
        key = _key(request, depth, wish)
        stem = f"{safe_stem(request.prompt)}-{request.seed}-{key[:_KEY_IN_NAME]}"
        file = names[index] if names else f"{stem}.png"
        yield Job(asked.line, request, file, bool(names), key, depth, wish)


def depth_digest(path: Path, max_bytes: int) -> str:
    """sha256 of a depth file of at most `max_bytes`; the digest of a file that many rows name is remembered.

    A time stamp alone is not believed: a file may be written anew and its time be set back, but the time of
    that change of its inode cannot. Raises DepthError.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise DepthError(
            f"cannot read {path}: {error}",
            code=ErrorCode.DEPTH_UNREADABLE,
            value=str(path),
            remedy="put it back, and run the batch again",
        ) from error
    return _digest(path, max_bytes, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(1024)
def _digest(path: Path, max_bytes: int, *state: int) -> str:
    del state
    return hashlib.sha256(read_regular_file(path, max_bytes)).hexdigest()


def _key(request: Request, depth: str, wish: Wish | None) -> str:
    # What is not given counts as its default: a default that is written out asks for the same picture.
    given = request.model_dump(mode="json", exclude={"depth"}, exclude_none=True)
    values = {name: given.get(name, _DEFAULTS[name]) for name in _DEFAULTS} | {"prompt": request.prompt}
    # Keys of earlier versions held the filling of holes, and whether it was given.
    holes = values["holes"]
    values["holes"] = ["inpaint", False] if holes == "auto" else [holes, True]
    identity: list[object] = [KEY_VERSION, values, depth, asdict(habits_of(request.choice))]
    if wish is not None:
        identity.append([wish.estimator, str(wish.least), wish.tries])
    if learned := learned_in(request):
        identity.append(dict(learned))
    text = json.dumps(identity, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
