"""Which weights paint a picture: a model, and what is added to it."""

from __future__ import annotations

import re
from pathlib import PureWindowsPath
from typing import Annotated, Literal, Never, Self, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from depthpaint.core.setting import (
    UNSET,
    Name,
    ResolvedGroup,
    Setting,
    SettingsGroup,
    Unset,
    Whole,
    Window,
    no_boolean,
)

PANEL, CONTROL_PANEL = "Model", "Control"
LORA_RULE = "a LoRA is a file, with its weight after a colon, such as style.safetensors:0.8"
MOST_WEIGHT = 5.0


class Lora(BaseModel):
    """A low-rank change of the model's weights (Hu et al. 2106.09685), added with the factor `weight`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    file: Name
    weight: Annotated[float, BeforeValidator(no_boolean), Field(ge=-MOST_WEIGHT, le=MOST_WEIGHT)] = 1.0


def _lora(value: object) -> object:
    if not isinstance(value, str):
        return value
    file, colon, weight = value.rpartition(":")
    try:
        return {"file": file, "weight": float(weight)} if colon else {"file": value}
    except ValueError as error:
        # The colon of a Windows drive, or one within a name: then all of it is the file.
        if "/" in weight or "\\" in weight or weight.endswith(".safetensors"):
            return {"file": value}
        raise ValueError(LORA_RULE) from error


_LORA_TAG = re.compile(r"<\s*lora\s*:\s*([^<>:]+?)\s*(?::\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*)?>")


def without_lora_tags(prompt: str) -> tuple[str, tuple[Lora, ...]]:
    """A prompt without its tags <lora:NAME:WEIGHT>, and their LoRAs, which are names in the model trees.

    A weight that is left out is 1. Raises ValueError for a weight beyond MOST_WEIGHT, and for a name that
    leads out of the trees: prompts come from records and web pages, too.
    """
    loras: list[Lora] = []
    for name, weight in _LORA_TAG.findall(prompt):
        path = PureWindowsPath(name)  # its separators are those of all systems
        if path.anchor or ".." in path.parts:
            raise ValueError(f"<lora:{name[:40]}> is not a name in the model trees; give a path with --lora")
        if abs(number := float(weight or 1)) > MOST_WEIGHT:
            raise ValueError(f"<lora:{name[:40]}>: the weight must be -{MOST_WEIGHT:g} to {MOST_WEIGHT:g}")
        loras.append(Lora(file=name, weight=number))
    return (_LORA_TAG.sub("", prompt).strip() if loras else prompt), tuple(loras)


def several_loras(value: object) -> tuple[object, ...]:
    """LoRAs that were given as one or as several."""
    if value is None:
        return ()
    return tuple(cast("list[object]", value)) if isinstance(value, list | tuple) else (value,)


ALSO_RULE = (
    "a further control is normal or canny, then perhaps =NETWORK, :STRENGTH and :START:END, "
    "such as canny:0.5 or normal=my/network:0.6:0:0.5"
)
_ALSO = re.compile(
    r"(?P<kind>normal|canny)(?:=(?P<control>.+?))?(?::(?P<strength>[\d.]+)(?::(?P<window>[\d.]+:[\d.]+))?)?"
)


class Also(BaseModel):
    """One further ControlNet, with a `strength` and a window in shares of the steps.

    `control` names the network as in ModelChoice; None uses the model's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["normal", "canny"]
    control: Name | None = None
    strength: Annotated[float, BeforeValidator(no_boolean), Field(ge=0, le=2)] = 1.0
    window: Window = (0.0, 1.0)

    @property
    def network(self) -> Also:
        """The network alone, without strength and window."""
        return Also(kind=self.kind, control=self.control)


def _also(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = _ALSO.fullmatch(value.strip())
    if parts is None:
        raise ValueError(ALSO_RULE)
    return {name: each for name, each in parts.groupdict().items() if each is not None}


def _several_also(value: object) -> object:
    if isinstance(value, str):
        return tuple(part for part in value.split(",") if part.strip())
    return (value,) if isinstance(value, Also) else value


def _each_once(value: tuple[Also, ...]) -> tuple[Also, ...]:
    if len({also.kind for also in value}) < len(value):
        raise ValueError("each further control may be given once")
    return value


AlsoField = Annotated[
    tuple[Annotated[Also, BeforeValidator(_also)], ...],
    AfterValidator(_each_once),
    BeforeValidator(_several_also),
]
LoraField = Annotated[
    tuple[Annotated[Lora, BeforeValidator(_lora)], ...],
    Field(max_length=100),
    BeforeValidator(several_loras),
]


class ModelFields(SettingsGroup[Unset], frozen=True):
    """The weights that paint."""

    model: Annotated[
        Name | Unset,
        Setting(
            "Model: a name (depthpaint models list), a hub id, a diffusers folder or a .safetensors file.",
            PANEL,
            "diorama",
            paths=True,
        ),
    ] = UNSET
    control: Annotated[
        Name | Unset | None,
        Setting(
            "Depth ControlNet or T2I-Adapter: a hub id, folder or file.", PANEL, None,
            rule="the one that belongs to the model", paths=True,
        ),
    ] = UNSET  # fmt: skip
    lora: Annotated[
        LoraField | Unset,
        Setting(
            "LoRA file with its weight; may be given several times.", PANEL, (), metavar="FILE[:WEIGHT]",
            paths=True,
        ),
    ] = UNSET  # fmt: skip
    vae: Annotated[
        Name | Unset | None,
        Setting("Autoencoder: a hub id, folder or file.", PANEL, None, rule="the model's own", paths=True),
    ] = UNSET
    clip_skip: Annotated[
        Annotated[Whole, Field(ge=0, le=10)] | Unset,
        Setting("Last layers of the text encoder to leave out.", PANEL, 0),
    ] = UNSET
    safety_checker: Annotated[
        bool | Unset,
        Setting(
            "Check each picture with the model's own safety checker; exit 8 if it refuses one.", PANEL, False
        ),
    ] = UNSET
    also: Annotated[
        AlsoField | Unset,
        Setting(
            "Further control made from the same depth: normal or canny; several with commas.",
            CONTROL_PANEL,
            (),
            metavar="KIND[=NETWORK][:STRENGTH[:START:END]]",
            paths=True,
        ),
    ] = UNSET


class ModelChoice(ModelFields[Never], ResolvedGroup, frozen=True, validate_default=True):
    """What has to be loaded to paint. None for `control` and `vae` means the model's own.

    `model` is a name from `depthpaint models list`, a hub id (owner/name), a folder in diffusers' layout or
    a single safetensors checkpoint; `control` and `vae` are the same for a depth ControlNet or T2I-Adapter,
    and for an autoencoder; `also` are further ControlNets. `clip_skip` is how many of the text encoder's last
    layers are left out, as diffusers counts: the web UIs' "clip skip 2" is 1 here. `safety_checker` runs the
    model's own checker on every picture, which rejects some.
    """

    @classmethod
    def of(cls, group: SettingsGroup[None] | SettingsGroup[Never]) -> Self:
        """The part of a larger group that has to be loaded; strengths of controls are reset."""
        choice = super().of(group)
        return choice.model_copy(update={"also": tuple(each.network for each in choice.also)})
