"""Settings: what each may hold, and what is known of it beside its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Generic, Never, Self, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_PROMPT = 10_000
WINDOW_RULE = "a window is start:end with 0 <= start <= end <= 1, such as 0:0.6"
LEARNED_WORD = r"\w[\w.-]*"
"""A textual inversion's name: the stem of its file, never a path."""


def no_boolean(value: object) -> object:
    """For fields of numbers: JSON's true is none."""
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


def clean_text(value: object) -> object:
    """Refuse NUL, halves of characters, and more than MAX_PROMPT characters."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a text may not contain NUL")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("a text may not contain half a character (a lone surrogate)")
        if len(value) > MAX_PROMPT:
            raise ValueError(f"a text may have {MAX_PROMPT:,} characters, and this one has {len(value):,}")
    return value


def clean_path(value: object) -> object:
    """As `clean_text`, but names of files need not be UTF-8: Python's half characters for such bytes stay."""
    if isinstance(value, str):
        whole = "".join(letter for letter in value if not "\udc80" <= letter <= "\udcff")
        clean_text(whole)
        # pydantic takes no text with half characters, but a path as it is.
        return value if whole == value else Path(value)
    return value


def _not_empty(value: str) -> str:
    if not value.strip():
        raise ValueError("a name may not be empty")
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
"""A part of the run: from one share of the steps to another."""


CONFIG_VARIABLE = "DEPTHPAINT_CONFIG"
"""Names the file with a user's own defaults, which the command line alone reads; empty, there is none."""

Unset = TypeVar("Unset")
"""What an unset field holds: `Group[None]` may leave fields unset, `Group[Never]` has them all."""
UNSET: Any = Field(default=None)
"""The default of every field. Groups without unset fields check it like any value, so it does not pass."""


class Default(Enum):
    """Defaults that are no value of their own."""

    OF_MODEL = "the model's own"
    NONE = "required"


@dataclass(frozen=True, slots=True)
class Setting:
    """How a field is offered to people.

    `help` is one plain sentence; `panel` the heading it stands under; `flag` the long option, if it is not
    the field's name with dashes; `default` the value where nothing is given, or a `Default`; `metavar` what
    stands for a value in help. `paths` says that the value names files, which a record may not tell.
    `rule`, if given, says in words what the default depends on.
    """

    help: str
    panel: str
    default: object = Default.NONE
    flag: str = ""
    metavar: str = ""
    paths: bool = False
    rule: str = ""

    def flag_of(self, field: str) -> str:
        """The long option of the field of that name."""
        return self.flag or f"--{field.replace('_', '-')}"


class SettingsGroup(BaseModel, Generic[Unset], frozen=True):
    """Base of the groups: frozen, no unknown fields, no infinities; what is unset is None."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    def given(self) -> dict[str, Any]:
        """The fields that are set, by name; values are not copied."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in values.items() if value is not None}


def settings_of(group: type[BaseModel]) -> Mapping[str, Setting]:
    """The settings of a `SettingsGroup` class, by field, in the order in which they are written."""
    if group not in _KNOWN:
        _KNOWN[group] = {
            name: each
            for name, field in group.model_fields.items()
            for each in field.metadata
            if isinstance(each, Setting)
        }
    return _KNOWN[group]


_KNOWN: dict[type[BaseModel], Mapping[str, Setting]] = {}


class ResolvedGroup(BaseModel, frozen=True):
    """Makes a `SettingsGroup[Never]` of what is given: what is left out, or None, has its default."""

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, values: object) -> object:
        return with_defaults(cls, values)

    @classmethod
    def of(cls, group: SettingsGroup[None] | SettingsGroup[Never]) -> Self:
        """The part of a larger group that these fields are."""
        known = settings_of(cls)
        return cls.model_validate({name: value for name, value in group.given().items() if name in known})


def with_defaults(group: type[BaseModel], values: object) -> object:
    """`values` with the defaults of what they leave out or hold as None; defaults of models stay out."""
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
