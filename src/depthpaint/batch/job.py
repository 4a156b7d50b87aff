"""Turn a row into jobs: one picture each, identified by everything that decides it."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

from depthpaint.batch.rows import NAME, Row
from depthpaint.core.errors import DepthError, DepthpaintError, ErrorCode, ParameterError
from depthpaint.core.files import require_short_name, safe_stem
from depthpaint.core.geometry import Extent
from depthpaint.core.regular_file import STDIN, input_digest
from depthpaint.core.setting import Default, settings_of
from depthpaint.formats.samples import max_file_bytes
from depthpaint.model_choice import ModelChoice
from depthpaint.models.painter import ModelEntry
from depthpaint.models.prompt_syntax import require_prompts
from depthpaint.models.registry import find_model
from depthpaint.plan import ModelHabits, make_plan
from depthpaint.record.file_format import OPEN, PNG, FileFormat, FormatChoice
from depthpaint.record.paths import checked_name, sources_of
from depthpaint.record.picture_file import picture_digest
from depthpaint.record.run_record import RecordError
from depthpaint.request import Request, by_field, request_from
from depthpaint.sampling.schedule import steps_left
from depthpaint.verification.choosing import Requirement


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A valid row. Without a `name` its pictures are named by their content.

    `point` holds the values of a grid's axes at the row (batch.grid). `form` is the format of its pictures.
    """

    line: int
    request: Request
    name: str | None
    point: tuple[str, ...] = ()
    form: FileFormat = PNG

    @property
    def files(self) -> list[str]:
        """The file names that the row sets; empty if it has no name."""
        if self.name is None:
            return []
        count = len(self.request.seeds)
        stems = [self.name] if count == 1 else [f"{self.name}-{k + 1}" for k in range(count)]
        return [f"{stem}{self.form.suffix}" for stem in stems]

    def pictures(self) -> list[Request]:
        """One request per picture, so that each can be painted independently.

        Picture k has the seed plus k, as in an engine run with several pictures.
        """
        return [self.request.with_seed(seed) for seed in self.request.seeds]


def parse_row(
    row: Row, folder: Path, defaults: Mapping[str, object], choice: FormatChoice = OPEN
) -> ParsedRow:
    """Validate a row; `defaults` fill missing values, and relative paths of its files start at `folder`.

    Raises ParameterError that names all its problems, OutputError for a name that contains folders.
    `choice` is the format of the pictures, unless their names decide it.
    """
    if row.problem:
        raise ParameterError(
            row.problem, code=ErrorCode.INVALID_PARAMETER, remedy="correct the row, or leave it out"
        )
    values = {**by_field(defaults), **by_field(row.values)}
    name = values.pop(NAME, None)
    depth = values.get("depth")
    if depth == STDIN:
        raise ParameterError(
            "depth: a row cannot use standard input", code=ErrorCode.INVALID_PARAMETER, remedy="give a file"
        )
    if isinstance(depth, str) and "\0" not in depth:
        values["depth"] = str(folder / depth)
    if isinstance(init := values.get("init"), str) and init and "\0" not in init:
        # An option's path starts at the working folder; other processes may have another one.
        values["init"] = str((folder if "init" in row.values else Path.cwd()) / init)
    request = request_from(values, "depthpaint batch --columns lists the columns")
    form = choice.of(None if name is None else str(name))
    stem = None if name is None else form.stem(checked_name(str(name), form))
    parsed = ParsedRow(row.line, request, stem, row.point, form)
    for file in parsed.files:
        require_short_name(file)
    return parsed


def require_files(request: Request) -> None:
    """Raise DepthError or RecordError unless its files are there; they are read when they are painted."""
    for path in sources_of(request):
        try:
            mode = path.stat().st_mode
        except (OSError, ValueError) as error:
            reason = "the file does not exist" if isinstance(error, FileNotFoundError) else str(error)
            raise _missing(request, path, reason) from error
        if not stat.S_ISREG(mode):
            raise _missing(request, path, "it is not a regular file")


def _missing(request: Request, path: Path, reason: str) -> DepthpaintError:
    message, remedy = f"cannot read {path}: {reason}", "paths in a manifest are relative to its folder"
    if path == request.depth:
        return DepthError(message, code=ErrorCode.DEPTH_UNREADABLE, value=str(path), remedy=remedy)
    return RecordError(message, code=ErrorCode.PICTURE_UNREADABLE, value=str(path), remedy=remedy)


_KEPT = 256


def habits_of(choice: ModelChoice) -> ModelHabits:
    """The habits of the model that `choice` names. Raises ModelError if there is none."""
    return _entry(choice).habits  # pyright: ignore[reportArgumentType] - pydantic hashes what is frozen


@lru_cache(_KEPT)
def _entry(choice: ModelChoice) -> ModelEntry:
    return find_model(choice)


def inversion_digests(request: Request) -> Mapping[str, str]:
    """The textual inversions in its prompts, with the sha256 of their files (ModelEntry.inversions)."""
    return _entry(request.choice).inversions(f"{request.prompt}\n{request.negative_prompt}")  # pyright: ignore[reportArgumentType]


@lru_cache(_KEPT)
def _check_plan(
    choice: ModelChoice,
    sampler: str | None,
    schedule: str | None,
    steps: int | None,
    guidance: float | None,
) -> None:
    request = Request(
        depth=Path("none"), prompt="", sampler=sampler, schedule=schedule, num_inference_steps=steps,
        guidance_scale=guidance,
    )  # fmt: skip
    make_plan(request, Extent(512, 512), habits_of(choice))


def require_plan(request: Request) -> None:
    """Raise ModelError for a missing model, ParameterError for settings or a prompt that it cannot use."""
    choice = request.choice
    _check_plan(
        choice,  # pyright: ignore[reportArgumentType]
        request.sampler,
        request.schedule,
        request.num_inference_steps,
        request.guidance_scale,
    )
    entry = _entry(choice)  # pyright: ignore[reportArgumentType]
    names = inversion_digests(request)
    require_prompts(
        request.prompt, request.negative_prompt, entry.habits.name, names, syntax=entry.prompt_syntax
    )


def work_of(request: Request) -> float:
    """The relative cost of a request, comparable within one model: steps times pixels."""
    habits = habits_of(request.choice)
    steps = request.num_inference_steps or habits.num_inference_steps
    if request.init is not None:
        share = cast("float", _DEFAULTS["denoise"]) if request.denoise is None else request.denoise
        steps = steps_left(steps, share)
    guidance = habits.guidance_scale if request.guidance_scale is None else request.guidance_scale
    area = request.size.width * request.size.height if isinstance(request.size, Extent) else None
    painted = habits.trained_area
    if area is not None and habits.smallest_area <= area <= habits.largest_area:
        painted = area
    branches = 1 if guidance == 1 else 2
    return float(len(request.seeds) * (steps * branches * painted + (area or painted)))


KEY_VERSION = 2
"""Increased when the same request gives another picture, so that existing pictures are painted again."""

MEASURE = "depth_agreement"
"""The score by which pictures are judged. Those that were judged by another one are painted again."""
_KEY_IN_NAME = 16
_MAP_IN_NAME, _PROMPT_IN_NAME = 24, 32
"""Characters; a letter may take four of the 255 bytes of a name."""
_DEFAULTS: dict[str, object] = {
    name: None if isinstance(setting.default, Default) else setting.default
    for name, setting in settings_of(Request).items()
    if name not in ("count", "max_pixels")
}


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to paint: `request` has a count of 1, `file` is its name in the output folder.

    `key` is sha256 over everything that decides the picture except the weights, which are not known before
    they are loaded: the request without the paths of its files, their bytes, and the model's habits. `named`
    says that the manifest sets the file name; any other name contains the start of the key. `required` is the
    required agreement of the picture's depth; None if it is not checked. `folder` is the output folder: the
    picture's record names the depth map relative to it. `form` is the format of the file.
    """

    line: int
    request: Request
    file: str
    named: bool
    key: str
    depth_sha256: str
    folder: Path
    required: Requirement | None = None
    form: FileFormat = PNG


def jobs_of(parsed: ParsedRow, folder: Path, required: Requirement | None = None) -> Iterator[Job]:
    """The jobs of a row for the output `folder`. Raises DepthError if its depth file cannot be read."""
    folder = folder.absolute()  # other processes may have another working folder
    depth = input_digest(parsed.request.depth, max_file_bytes(parsed.request.reading.max_pixels))
    names = parsed.files
    for index, request in enumerate(parsed.pictures()):
        key = _key(request, depth, required, parsed.form)
        words = f"{safe_stem(request.depth.stem, _MAP_IN_NAME)}-{safe_stem(request.prompt, _PROMPT_IN_NAME)}"
        stem = f"{words}-{request.seed}-{key[:_KEY_IN_NAME]}"
        file = names[index] if names else f"{stem}{parsed.form.suffix}"
        yield Job(parsed.line, request, file, bool(names), key, depth, folder, required, parsed.form)


def _key(request: Request, depth: str, required: Requirement | None, form: FileFormat) -> str:
    # A default that is written out gives the same key as a missing value.
    given = request.model_dump(mode="json", exclude={"depth"}, exclude_none=True)
    values = {name: given.get(name, _DEFAULTS[name]) for name in _DEFAULTS} | {"prompt": request.prompt}
    # Keys without a picture to start from are those of earlier versions.
    _, denoise = values.pop("init"), values.pop("denoise")
    # Keys of earlier versions contained the filling of holes, and whether it was given.
    holes = values["holes"]
    values["holes"] = ["inpaint", False] if holes == "auto" else [holes, True]
    identity: list[object] = [KEY_VERSION, values, depth, asdict(habits_of(request.choice))]
    if required is not None:
        identity.append([required.estimator, str(required.least), required.tries, MEASURE])
    if inversions := inversion_digests(request):
        identity.append(dict(inversions))
    if request.init is not None:
        identity.append({"init": picture_digest(Path(request.init)), "denoise": denoise})
    if form.name != "png":  # keys of earlier versions are those of PNGs
        identity.append([form.name, form.quality])
    text = json.dumps(identity, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
