"""What the user requested (`Request`) and the resolved `Settings`; every setting is defined here once.

A field holds its type with its range, and a `Setting`: flag, help, panel and default. The command line, the
columns of a manifest, the tables in the docs and the command that repeats a picture are derived from it.
A new setting is one field here, and the code that uses it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal, Never, TypeVar, cast, dataclass_transform

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from depthpaint.core.errors import ErrorCode, ParameterError, printable
from depthpaint.core.geometry import MAX_ASPECT, Extent, Fit, parse_aspect
from depthpaint.core.setting import (
    UNSET,
    Default,
    Name,
    Number,
    ResolvedGroup,
    Setting,
    SettingsGroup,
    Text,
    Unset,
    Whole,
    Window,
    clean_path,
    no_boolean,
    settings_of,
)
from depthpaint.depth.depth_map import MAX_PIXELS_SETTING, DepthReading, MaxPixels, ProfileName, ReadingFields
from depthpaint.model_choice import (
    CONTROL_PANEL,
    ModelChoice,
    ModelFields,
    several_loras,
    without_lora_tags,
)

SEED_COUNT = 2**32
MIN_OUTPUT_SIDE, MAX_OUTPUT_SIDE = 8, 8192
_LONGEST_BITS = 1024
MOST_UNKNOWN = 5
"""Unknown fields that an error names; of the others it gives the number."""
_SEE_GENERATE = "see depthpaint generate --help"
PICTURE_PANEL, START_PANEL, SAMPLING_PANEL = "Picture", "Start", "Sampling"


def _size(value: object) -> object:
    if isinstance(value, str) and value != "depth":
        return Extent.parse(value)
    if isinstance(value, str):
        return value
    sides = cast(Sequence[object], value) if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(type(side) is int for side in sides):
        raise ValueError("a size is width and height in whole pixels, such as 940x564")
    return sides


def _size_in_bounds(value: Extent | Literal["depth"]) -> Extent | Literal["depth"]:
    if isinstance(value, Extent) and not all(MIN_OUTPUT_SIDE <= side <= MAX_OUTPUT_SIDE for side in value):
        raise ValueError(f"each side must be {MIN_OUTPUT_SIDE} to {MAX_OUTPUT_SIDE} pixels")
    return value


def _aspect(value: object) -> object:
    return parse_aspect(value) if isinstance(value, str) else no_boolean(value)


def _path_text(value: object) -> object:
    return str(value) if isinstance(value, PurePath) else value


Checked = TypeVar("Checked", bound=BaseModel)
Aspect = Annotated[float, BeforeValidator(_aspect), Field(ge=1 / MAX_ASPECT, le=MAX_ASPECT)]
InitPath = Annotated[Name, BeforeValidator(_path_text)]
SizeField = Annotated[
    Extent | Literal["depth"],
    BeforeValidator(_size),
    AfterValidator(_size_in_bounds),
    PlainSerializer(str, when_used="json"),
]


class PictureFields(SettingsGroup[Unset], frozen=True):
    """What is in the picture, and its size."""

    negative_prompt: Annotated[
        Text | Unset,
        Setting(
            "What should not be in the picture; needs guidance above 1.", PICTURE_PANEL, "", flag="--negative"
        ),
    ] = UNSET
    seed: Annotated[
        Annotated[Whole, Field(ge=0, lt=SEED_COUNT)] | Unset,
        Setting(
            "Seed of the noise, 0 to 4294967295; at the command line -1 draws one and prints it.",
            PICTURE_PANEL,
            12345,
        ),
    ] = UNSET
    size: Annotated[
        SizeField | Unset,
        Setting(
            "Size of the picture, like 940x564, or 'depth' for the map's own.", PICTURE_PANEL,
            Default.OF_MODEL, rule="the map's ratio at the area that the model was trained on",
        ),
    ] = UNSET  # fmt: skip
    fit: Annotated[
        Fit | Unset,
        Setting(
            "How the map is laid on a picture of another ratio: pad, crop or stretch.", PICTURE_PANEL, Fit.PAD
        ),
    ] = UNSET
    finish: Annotated[
        bool | Unset,
        Setting("Draw edges along the depth map's where the model's are soft.", PICTURE_PANEL, True),
    ] = UNSET
    expand: Annotated[
        bool | Unset,
        Setting("Let diorama add colours that a short prompt leaves open.", PICTURE_PANEL, True),
    ] = UNSET


class StartFields(SettingsGroup[Unset], frozen=True):
    """A picture to start from, instead of noise alone."""

    init: Annotated[
        InitPath | Unset | None,
        Setting(
            "Picture to start from: its layout and colours are kept in part.", START_PANEL, None,
            metavar="IMAGE", paths=True,
        ),
    ] = UNSET  # fmt: skip
    denoise: Annotated[
        Annotated[Number, Field(gt=0, le=1)] | Unset,
        Setting(
            "With --init: share of the steps that run, up to 1; more of them change more.", START_PANEL, 0.5
        ),
    ] = UNSET


class SamplingFields(SettingsGroup[Unset], frozen=True):
    """How noise becomes a picture."""

    num_inference_steps: Annotated[
        Annotated[Whole, Field(ge=1, le=1000)] | Unset,
        Setting("Calls of the denoising network.", SAMPLING_PANEL, Default.OF_MODEL, flag="--steps"),
    ] = UNSET
    guidance_scale: Annotated[
        Annotated[Number, Field(ge=0, le=100)] | Unset,
        Setting("Weight of the prompt; 1 is off.", SAMPLING_PANEL, Default.OF_MODEL, flag="--guidance"),
    ] = UNSET
    guidance_window: Annotated[
        Window | Unset, Setting("Share of the steps with guidance, like 0:0.8.", SAMPLING_PANEL, (0.0, 1.0))
    ] = UNSET
    sampler: Annotated[
        Name | Unset,
        Setting(
            "Sampler: euler, euler-ancestral, heun, dpm++-2m, ddim, lcm or unipc.",
            SAMPLING_PANEL,
            Default.OF_MODEL,
        ),
    ] = UNSET
    schedule: Annotated[
        Name | Unset,
        Setting(
            "Noise levels: trailing, early, leading, linspace, karras or exponential.",
            SAMPLING_PANEL,
            Default.OF_MODEL,
        ),
    ] = UNSET


class ControlFields(SettingsGroup[Unset], frozen=True):
    """How strongly depth is followed, and when."""

    control_strength: Annotated[
        Annotated[Number, Field(ge=0, le=2)] | Unset,
        Setting("Weight of the depth control; 0 is off.", CONTROL_PANEL, Default.OF_MODEL, flag="--strength"),
    ] = UNSET
    control_window: Annotated[
        Window | Unset,
        Setting("Share of the steps with depth control, like 0:0.6.", CONTROL_PANEL, (0.0, 1.0)),
    ] = UNSET
    profile: Annotated[
        ProfileName | Unset,
        Setting(
            "Depth that the control network was trained on: midas, depth-anything or zoe.",
            CONTROL_PANEL,
            Default.OF_MODEL,
        ),
    ] = UNSET


class SettingsFields(
    ReadingFields[Unset],
    ModelFields[Unset],
    ControlFields[Unset],
    SamplingFields[Unset],
    StartFields[Unset],
    PictureFields[Unset],
    frozen=True,
):
    """Everything that decides one picture, except the depth map and the prompt."""


@dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
class _RaisesParameterError(type(BaseModel)):
    """Makes the constructor raise the errors of `request_from` instead of pydantic's own."""

    if not TYPE_CHECKING:

        def __call__(cls, *values: object, **fields: object) -> object:
            try:
                return super().__call__(*values, **fields)
            except ValidationError as error:
                raise _refusal(error, _SEE_GENERATE) from error


class Request(SettingsFields[None], frozen=True, metaclass=_RaisesParameterError):
    """The user's request: a depth map, a prompt, and optional settings.

    Tags <lora:NAME:WEIGHT> in the prompt become LoRAs. None means that a setting was not given. Sizes are
    pixels; `aspect` is width over height; windows are shares of the steps in [0, 1]. Zero is a value. Unknown
    fields are errors. Raises one ParameterError that names every problem.
    """

    depth: Annotated[Path, BeforeValidator(clean_path)]
    prompt: Text
    count: Annotated[
        Annotated[Whole, Field(ge=1, le=1000)] | None,
        Setting("Number of pictures; the seed grows by 1 with each.", PICTURE_PANEL, 1),
    ] = None
    aspect: Annotated[
        Aspect | None,
        Setting(
            "Ratio of the picture at the area that the model was trained on, like 5:3.", PICTURE_PANEL, None,
            rule="the map's", metavar="W:H",
        ),
    ] = None  # fmt: skip
    max_pixels: Annotated[MaxPixels | None, MAX_PIXELS_SETTING] = None

    @property
    def reading(self) -> DepthReading:
        """How the depth file is to be read."""
        return DepthReading.of(self)

    @property
    def choice(self) -> ModelChoice:
        """What has to be loaded, regardless of strengths."""
        return ModelChoice.of(self)

    @property
    def seeds(self) -> tuple[int, ...]:
        """One seed per picture: the first, and each next one more, wrapped at 2**32."""
        known = settings_of(Request)
        first = cast(int, known["seed"].default) if self.seed is None else self.seed
        count = cast(int, known["count"].default) if self.count is None else self.count
        return tuple((first + k) % SEED_COUNT for k in range(count))

    def with_seed(self, seed: int) -> Request:
        """The request for one picture of this seed, which wraps at 2**32."""
        return self.model_copy(update={"seed": seed % SEED_COUNT, "count": 1})

    @model_validator(mode="before")
    @classmethod
    def _loras_of_the_prompt(cls, values: object) -> object:
        """Move the prompt's tags <lora:NAME:WEIGHT> to the LoRAs, behind those that are given."""
        if not isinstance(values, dict):
            return values
        given = cast("dict[str, object]", values)
        prompt = given.get("prompt")
        if not isinstance(prompt, str) or "<" not in prompt:
            return given
        prompt, loras = without_lora_tags(prompt)
        if not loras:
            return given
        return {**given, "prompt": prompt, "lora": (*several_loras(given.get("lora")), *loras)}

    @model_validator(mode="after")
    def _one_of_size_and_aspect(self) -> Request:
        if self.size is not None and self.aspect is not None:
            raise ValueError("size and aspect exclude each other: give one of them")
        return self


class Settings(SettingsFields[Never], ResolvedGroup, frozen=True, validate_default=True):
    """All resolved settings of one picture, besides the depth map: what runs, and what its record holds.

    `size` is the picture's in pixels. `control`, `vae`, `part`, `from_photo` and `init` are None if not set.
    A missing setting gets its default; settings whose default is the model's own are required.
    """

    prompt: Text
    size: Annotated[Extent, PlainSerializer(list, when_used="json"), settings_of(PictureFields)["size"]] = (
        UNSET
    )

    @property
    def choice(self) -> ModelChoice:
        """What has to be loaded, regardless of strengths."""
        return ModelChoice.of(self)

    @property
    def reading(self) -> DepthReading:
        """How the depth file is read."""
        return DepthReading.of(self)


_BY_FLAG = {setting.flag_of(name)[2:]: name for name, setting in settings_of(Request).items()}
"""Fields by the name of their flag, without dashes at its start."""
_MEANT = {
    "image": "depth", "map": "depth", "depth_map": "depth", "path": "depth", "text": "prompt",
    "caption": "prompt", "description": "prompt", "cfg": "guidance_scale", "cfg_scale": "guidance_scale",
    "scale": "guidance_scale", "width": "size", "height": "size", "resolution": "size", "batch_size": "count",
    "n": "count", "scheduler": "sampler", "sampler_name": "sampler", "checkpoint": "model",
    "init_image": "init", "denoising_strength": "denoise", "controlnet": "control", "inverted": "near",
    "invert": "near",
}  # fmt: skip
"""What other programs call a field; for suggestions only."""


def field_of(name: str) -> str | None:
    """The field of this name, or with a flag of this name, like "steps"; None if there is none."""
    return name if name in Request.model_fields else _BY_FLAG.get(name)


def near_field(name: str, *others: str) -> str | None:
    """The field, or one of the `others`, that was probably meant by an unknown name."""
    lower = name.lower()
    if lower in _MEANT:
        return _MEANT[lower]
    known = [*Request.model_fields, *_BY_FLAG, *others]
    close = difflib.get_close_matches(lower, known, n=1, cutoff=0.6)
    return next(iter(close + [each for each in known if len(name) > 2 and lower in each]), None)


def by_field(values: Mapping[str, object]) -> dict[str, object]:
    """The values by field: a field may also be given by the name of its flag, like "steps"."""
    return {
        _BY_FLAG[key] if key in _BY_FLAG and _BY_FLAG[key] not in values else key: value
        for key, value in values.items()
    }


def request_from(values: Mapping[str, object], remedy: str = _SEE_GENERATE) -> Request:
    """Validate `values` and build a request; raises one ParameterError that names every problem."""
    return _checked(Request, by_field(values), remedy)


def reading_from(values: Mapping[str, object], remedy: str = "see depthpaint inspect --help") -> DepthReading:
    """Validate the settings for reading a depth file; raises one ParameterError that names every problem."""
    return _checked(DepthReading, by_field(values), remedy)


def _checked(model: type[Checked], values: Mapping[str, object], remedy: str) -> Checked:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise _refusal(error, remedy) from error


def _refusal(error: ValidationError, remedy: str) -> ParameterError:
    # Inputs are left out of the error's own list: they may be long or private.
    all_problems: list[dict[str, Any]] = [dict(problem) for problem in error.errors(include_url=False)]
    unknown = [problem for problem in all_problems if problem["type"] == "extra_forbidden"]
    left_out = {id(problem) for problem in unknown[MOST_UNKNOWN:]}
    problems = [_problem(problem) for problem in all_problems if id(problem) not in left_out]
    if left_out:
        problems.append(f"{len(left_out):,} more fields do not exist")
    return ParameterError(
        "; ".join(dict.fromkeys(problems)),
        code=ErrorCode.INVALID_PARAMETER,
        remedy=remedy,
        value=tuple(sorted({str(problem["loc"][0]) for problem in all_problems if problem["loc"]})),
    )


def _problem(problem: Mapping[str, Any]) -> str:
    field = printable(str(problem["loc"][0])[:60]) if problem["loc"] else ""
    if problem["type"] == "extra_forbidden":
        near = near_field(field)
        return f"there is no field '{field}'" + (f", did you mean '{near}'?" if near else "")
    if problem["type"] == "missing":
        return f"{field} is missing"
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, ParameterError):
        return f"{field}: {cause}"
    if cause is not None:
        return f"{field}: {cause}" if field else str(cause)
    return (
        f"{field}: {str(problem['msg']).replace('Input should be', 'must be')}{_given(problem.get('input'))}"
    )


def _given(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > _LONGEST_BITS:
        return ", not a number of that many digits"  # Python refuses to format it
    if isinstance(value, str | int | float):
        shown = repr(value) if len(str(value)) <= 40 else f"{str(value)[:40]!r}..."
        return f", not {printable(shown)}"
    return ""
