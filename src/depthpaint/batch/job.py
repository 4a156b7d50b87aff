"""From a row to a job: one picture, known by everything that decides it."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from depthpaint.batch.rows import Row
from depthpaint.core.errors import DepthError, ErrorCode, ParameterError
from depthpaint.core.files import require_short_name, safe_stem
from depthpaint.core.geometry import Extent
from depthpaint.core.regular_file import STDIN, read_regular_file
from depthpaint.core.setting import Default, settings_of
from depthpaint.formats.samples import max_file_bytes
from depthpaint.model_choice import ModelChoice
from depthpaint.models.painter import ModelEntry
from depthpaint.models.registry import find_model
from depthpaint.plan import ModelHabits, make_plan
from depthpaint.record.picture_file import checked_name
from depthpaint.request import Request, request_from
from depthpaint.verification.choosing import Wish

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


_KEPT = 256


def habits_of(choice: ModelChoice) -> ModelHabits:
    """The habits of the model that `choice` names. Raises ModelError where there is none."""
    return _found(choice).habits  # pyright: ignore[reportArgumentType] - pydantic hashes what is frozen


@lru_cache(_KEPT)
def _found(choice: ModelChoice) -> ModelEntry:
    return find_model(choice)


def learned_in(request: Request) -> Mapping[str, str]:
    """The learned words that its sentences name, with the sha256 of their files (ModelEntry.learned)."""
    return _found(request.choice).learned(f"{request.prompt}\n{request.negative_prompt}")  # pyright: ignore[reportArgumentType]


@lru_cache(_KEPT)
def _check_schedule(
    choice: ModelChoice, sampler: str | None, schedule: str | None, steps: int | None
) -> None:
    request = Request(
        depth=Path("none"), prompt="", sampler=sampler, schedule=schedule, num_inference_steps=steps
    )
    make_plan(request, Extent(512, 512), habits_of(choice))


def require_plan(request: Request) -> None:
    """Raise ModelError for a model that is not there, ParameterError for steps that it cannot take."""
    choice = request.choice
    _check_schedule(choice, request.sampler, request.schedule, request.num_inference_steps)  # pyright: ignore[reportArgumentType]


def work_of(request: Request) -> float:
    """What a request costs, in a unit that only compares requests to one model: steps times pixels."""
    habits = habits_of(request.choice)
    steps = request.num_inference_steps or habits.num_inference_steps
    guidance = habits.guidance_scale if request.guidance_scale is None else request.guidance_scale
    area = request.size.width * request.size.height if isinstance(request.size, Extent) else None
    painted = habits.trained_area
    if area is not None and habits.smallest_area <= area <= habits.largest_area:
        painted = area
    branches = 1 if guidance == 1 else 2
    return float(len(request.seeds) * (steps * branches * painted + (area or painted)))


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
