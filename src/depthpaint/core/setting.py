"""Settings: checks of their values, and how each is offered to users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Generic, Never, Self, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_PROMPT = 10_000
WINDOW_RULE = "a window is start:end with 0 <= start <= end <= 1, such as 0:0.6"
INVERSION_NAME = r"\w[\w.-]*"
"""A textual inversion's name: the stem of its file, never a path."""


def no_boolean(value: object) -> object:
    """For number fields: reject booleans, which JSON clients may send."""
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    return value


def clean_text(value: object) -> object:
    """Reject NUL, lone surrogates, and more than MAX_PROMPT characters."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("text must not contain NUL")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("text must not contain lone surrogates")
        if len(value) > MAX_PROMPT:
            raise ValueError(f"text is limited to {MAX_PROMPT:,} characters, this has {len(value):,}")
    return value


def clean_path(value: object) -> object:
    """As `clean_text`, but allow lone surrogates, which Python uses for file names that are not UTF-8."""
    if isinstance(value, str):
        whole = "".join(letter for letter in value if not "\udc80" <= letter <= "\udcff")
        clean_text(whole)
        # pydantic rejects str with lone surrogates, but accepts a Path.
        return value if whole == value else Path(value)
    return value


def _not_empty(value: str) -> str:
    if not value.strip():
        raise ValueError("a name must not be empty")
    return value


Text = Annotated[str, BeforeValidator(clean_text)]
Name = Annotated[str, AfterValidator(_not_empty), BeforeValidator(clean_text)]
Whole = Annotated[int, BeforeValidator(no_boolean)]
Number = Annotated[float, BeforeValidator(no_boolean)]


def _window(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        start, end = (float(side) for side in value.split(":"))
    except ValueError as error:
        raise ValueError(WINDOW_RULE) from error
    return start, end


def _window_in_order(value: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= value[0] <= value[1] <= 1:
        raise ValueError(WINDOW_RULE)
    return value


Window = Annotated[tuple[float, float], AfterValidator(_window_in_order), BeforeValidator(_window)]
"""Part of the run, as a start and an end in shares of the steps."""


CONFIG_VARIABLE = "DEPTHPAINT_CONFIG"
"""The environment variable for the user's config file, used by the command line only; empty disables it."""

Unset = TypeVar("Unset")
"""The type of an unset field: `Group[None]` may leave fields unset, `Group[Never]` sets all of them."""
UNSET: Any = Field(default=None)
"""The default of every field. Groups without unset fields validate it like any value, so it is rejected."""


class Default(Enum):
    """Defaults that are not fixed values."""

    OF_MODEL = "the model's own"
    NONE = "required"


@dataclass(frozen=True, slots=True)
class Setting:
    """How a field is presented to users.

    `help` is one short line; `panel` its heading in the help; `flag` the long option, if it is not the
    field's name with dashes; `default` the value if none is given, or a `Default`; `metavar` the placeholder
    in help. `paths` marks fields that hold file names, which a record stores without folders. `rule`, if
    given, describes what the default depends on.
    """

    help: str
    panel: str
    default: object = Default.NONE
    flag: str = ""
    metavar: str = ""
    paths: bool = False
    rule: str = ""

    def flag_of(self, field: str) -> str:
        """The long option of a field."""
        return self.flag or f"--{field.replace('_', '-')}"


class SettingsGroup(BaseModel, Generic[Unset], frozen=True):
    """Base of the groups: frozen, no unknown fields, no infinities; unset fields are None."""

    # Validators are built when the first value is checked: most groups only serve as bases.
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, defer_build=True)

    def given(self) -> dict[str, Any]:
        """The fields that are set, by name, without copying values."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in values.items() if value is not None}


def settings_of(group: type[BaseModel]) -> Mapping[str, Setting]:
    """The settings of a `SettingsGroup` class by field name, in the order of definition."""
    if group not in _SETTINGS:
        _SETTINGS[group] = {
            name: each
            for name, field in group.model_fields.items()
            for each in field.metadata
            if isinstance(each, Setting)
        }
    return _SETTINGS[group]


_SETTINGS: dict[type[BaseModel], Mapping[str, Setting]] = {}


class ResolvedGroup(BaseModel, frozen=True):
    """Builds a `SettingsGroup[Never]`: fields that are left out, or None, get their defaults."""

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, values: object) -> object:
        return with_defaults(cls, values)

    @classmethod
    def of(cls, group: SettingsGroup[None] | SettingsGroup[Never]) -> Self:
        """The fields of this class, taken from a larger group."""
        known = settings_of(cls)
        return cls.model_validate({name: value for name, value in group.given().items() if name in known})


def with_defaults(group: type[BaseModel], values: object) -> object:
    """`values` plus defaults for fields that are missing or None; defaults of models are not filled in."""
    if not isinstance(values, Mapping):
        return values
    named = cast("Mapping[str, object]", values)
    given = {name: value for name, value in named.items() if value is not None}
    literal = {
        name: setting.default
        for name, setting in settings_of(group).items()
        if not isinstance(setting.default, Default)
    }
    return {**literal, **given}
