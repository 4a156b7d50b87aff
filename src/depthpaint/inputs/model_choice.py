"""What a picture is painted with: a model, and what is put into it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from depthpaint.inputs.also import AlsoField
from depthpaint.inputs.text_fields import Name, no_boolean

LORA_RULE = "a LoRA is a file, and after a colon how strongly it is felt, such as style.safetensors:0.8"
MOST_WEIGHT = 5.0


class Lora(BaseModel):
    """A low-rank change of the model's weights (Hu et al. 2106.09685), felt `weight` times as strongly."""

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
        # A drive's colon, or one within a name: then all of it is the file.
        if "/" in weight or "\\" in weight or weight.endswith(".safetensors"):
            return {"file": value}
        raise ValueError(LORA_RULE) from error


def _several(value: object) -> object:
    return (value,) if isinstance(value, str | Lora) else value


class ModelChoice(BaseModel):
    """Which weights paint. None means what belongs to the model.

    `model` is a name from `depthpaint models list`, a hub id (owner/name), a folder in diffusers' layout or
    a single safetensors checkpoint; `control` and `vae` are the same for a depth ControlNet or T2I-Adapter,
    and for an autoencoder; `also` are further ControlNets. `clip_skip` is how many of the text encoder's last
    layers are left out, as diffusers counts: the web UIs' "clip skip 2" is 1 here. With `safety_checker` the
    network that the model brings for that looks at every picture, and refuses some.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Name = "diorama"
    control: Name | None = None
    vae: Name | None = None
    also: AlsoField = ()
    lora: Annotated[tuple[Annotated[Lora, BeforeValidator(_lora)], ...], BeforeValidator(_several)] = ()
    clip_skip: Annotated[int, BeforeValidator(no_boolean), Field(ge=0, le=10)] = 0
    safety_checker: bool = False

    @property
    def choice(self) -> ModelChoice:
        """This part of a request alone: what has to be loaded, whatever its strengths."""
        part = {name: getattr(self, name) for name in ModelChoice.model_fields}
        return ModelChoice.model_validate(part | {"also": tuple(each.network for each in self.also)})
