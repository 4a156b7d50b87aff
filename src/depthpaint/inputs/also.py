"""Further controls that are made from the same depth: which way surfaces face, where depth jumps."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from depthpaint.inputs.text_fields import Name, no_boolean
from depthpaint.inputs.window import Window

ALSO_RULE = (
    "a further control is normal or canny, then perhaps =NETWORK, :STRENGTH and :START:END, "
    "such as canny:0.5 or normal=my/network:0.6:0:0.5"
)
_SAID = re.compile(
    r"(?P<kind>normal|canny)(?:=(?P<control>.+?))?(?::(?P<strength>[\d.]+)(?::(?P<window>[\d.]+:[\d.]+))?)?"
)


class Also(BaseModel):
    """One further ControlNet, heard `strength` times as strongly in its window, a share of the steps.

    `control` names the network as ModelChoice does; None takes the one that belongs to the model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["normal", "canny"]
    control: Name | None = None
    strength: Annotated[float, BeforeValidator(no_boolean), Field(ge=0, le=2)] = 1.0
    window: Window = (0.0, 1.0)

    @property
    def network(self) -> Also:
        """Which network it is, whatever its strength and window."""
        return Also(kind=self.kind, control=self.control)


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    said = _SAID.fullmatch(value.strip())
    if said is None:
        raise ValueError(ALSO_RULE)
    return {name: each for name, each in said.groupdict().items() if each is not None}


def _several(value: object) -> object:
    if isinstance(value, str):
        return tuple(part for part in value.split(",") if part.strip())
    return (value,) if isinstance(value, Also) else value


def _each_once(value: tuple[Also, ...]) -> tuple[Also, ...]:
    if len({also.kind for also in value}) < len(value):
        raise ValueError("each further control may be named once")
    return value


AlsoField = Annotated[
    tuple[Annotated[Also, BeforeValidator(_read)], ...],
    AfterValidator(_each_once),
    BeforeValidator(_several),
]
