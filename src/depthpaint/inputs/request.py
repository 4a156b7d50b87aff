"""What was asked: one frozen object, whether it came from flags, a manifest row or an HTTP body."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast, dataclass_transform

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
from depthpaint.inputs.depth_reading import DepthReading
from depthpaint.inputs.model_choice import ModelChoice
from depthpaint.inputs.text_fields import Name, Text, clean_path, no_boolean
from depthpaint.inputs.window import Window

MAX_SEED = 2**32 - 1
MIN_OUTPUT_SIDE, MAX_OUTPUT_SIDE = 8, 8192
_LONGEST_BITS = 1024
MOST_UNKNOWN = 5
"""Unknown fields that an error names; the others it counts."""


def _size(value: object) -> object:
    if isinstance(value, str) and value != "depth":
        return Extent.parse(value)
    if value is None or isinstance(value, str):
        return value
    sides = cast(Sequence[object], value) if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(type(side) is int for side in sides):
        raise ValueError("a size is width and height in whole pixels, such as 940x564")
    return sides


def _size_in_bounds(value: Extent | Literal["depth"] | None) -> Extent | Literal["depth"] | None:
    if isinstance(value, Extent) and not all(MIN_OUTPUT_SIDE <= side <= MAX_OUTPUT_SIDE for side in value):
        raise ValueError(f"each side must be {MIN_OUTPUT_SIDE} to {MAX_OUTPUT_SIDE} pixels")
    return value


def _aspect(value: object) -> object:
    return parse_aspect(value) if isinstance(value, str) else no_boolean(value)


Checked = TypeVar("Checked", bound=BaseModel)
Number = BeforeValidator(no_boolean)
Aspect = Annotated[float, BeforeValidator(_aspect), Field(ge=1 / MAX_ASPECT, le=MAX_ASPECT)]
Size = Annotated[
    Extent | Literal["depth"] | None,
    BeforeValidator(_size),
    AfterValidator(_size_in_bounds),
    PlainSerializer(lambda size: None if size is None else str(size), when_used="json"),
]


@dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
class _RaisesParameterError(type(BaseModel)):
    """Makes the constructor raise what `request_from` raises, in place of pydantic's own error."""

    if not TYPE_CHECKING:

        def __call__(cls, *values: object, **fields: object) -> object:
            try:
                return super().__call__(*values, **fields)
            except ValidationError as error:
                raise _refusal(error) from error


class GenerationRequest(DepthReading, ModelChoice, metaclass=_RaisesParameterError):
    """Everything that a user can decide about a picture. None means that the model's own habit decides.

    Sizes are pixels; `aspect` is width over height; windows are shares of the steps in [0, 1]; a
    `guidance_scale` of 1 is off; a `control_strength` of 0 lets depth have no say; without `finish` edges are
    not drawn along the depth map's; without `expand` a model hears the sentence as it stands. Unknown fields
    are errors, and zero is a value. How the depth file is to be read is part of it (DepthReading), and what
    it is painted with (ModelChoice). Raises one ParameterError that names every problem.
    """

    depth: Annotated[Path, BeforeValidator(clean_path)]
    prompt: Text
    negative_prompt: Text = ""
    seed: Annotated[int, Number, Field(ge=0, le=MAX_SEED)] = 12345
    count: Annotated[int, Number, Field(ge=1, le=1000)] = 1
    size: Size = None
    aspect: Aspect | None = None
    num_inference_steps: Annotated[int, Number, Field(ge=1, le=1000)] | None = None
    guidance_scale: Annotated[float, Number, Field(ge=0, le=100)] | None = None
    guidance_window: Window = (0.0, 1.0)
    control_strength: Annotated[float, Number, Field(ge=0, le=2)] | None = None
    control_window: Window = (0.0, 1.0)
    profile: Literal["midas", "depth-anything", "zoe"] | None = None
    sampler: Name | None = None
    schedule: Name | None = None
    fit: Fit = Fit.PAD
    finish: bool = True
    expand: bool = True

    @property
    def reading(self) -> DepthReading:
        """What the request says of its depth file; what it leaves out stays unsaid."""
        said = self.model_fields_set & DepthReading.model_fields.keys()
        return DepthReading.model_validate({name: getattr(self, name) for name in said})

    @model_validator(mode="after")
    def _one_of_size_and_aspect(self) -> GenerationRequest:
        if self.size is not None and self.aspect is not None:
            raise ValueError("size and aspect exclude each other: give one of them")
        return self


def request_from(values: Mapping[str, object]) -> GenerationRequest:
    """Check `values` and make a request of them; raises one ParameterError that names every problem."""
    return _checked(GenerationRequest, values)


def reading_from(values: Mapping[str, object]) -> DepthReading:
    """Check what is said of a depth file alone; raises one ParameterError that names every problem."""
    return _checked(DepthReading, values)


def _checked(model: type[Checked], values: Mapping[str, object]) -> Checked:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise _refusal(error) from error


def _refusal(error: ValidationError) -> ParameterError:
    # Inputs are left out of pydantic's list: they may be long, or someone else's.
    found: list[dict[str, Any]] = [dict(problem) for problem in error.errors(include_url=False)]
    unknown = [problem for problem in found if problem["type"] == "extra_forbidden"]
    left_out = {id(problem) for problem in unknown[MOST_UNKNOWN:]}
    problems = [_told(problem) for problem in found if id(problem) not in left_out]
    if left_out:
        problems.append(f"there are no fields of {len(left_out):,} more names")
    return ParameterError(
        "; ".join(dict.fromkeys(problems)),
        code=ErrorCode.INVALID_PARAMETER,
        remedy="see depthpaint generate --help",
        value=tuple(sorted({str(problem["loc"][0]) for problem in found if problem["loc"]})),
    )


def _told(problem: Mapping[str, Any]) -> str:
    field = printable(str(problem["loc"][0])[:60]) if problem["loc"] else ""
    if problem["type"] == "extra_forbidden":
        near = _nearest(field)
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
        return ", not a number of that many digits"  # Python refuses to write it out
    if isinstance(value, str | int | float):
        shown = repr(value) if len(str(value)) <= 40 else f"{str(value)[:40]!r}..."
        return f", not {printable(shown)}"
    return ""


def _nearest(field: str) -> str | None:
    known = list(GenerationRequest.model_fields)
    close = difflib.get_close_matches(field.lower(), known, n=1, cutoff=0.6)
    # "steps" stands for num_inference_steps, which no measure of likeness says.
    return next(iter(close + [name for name in known if len(field) > 2 and field.lower() in name]), None)
