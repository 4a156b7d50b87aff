"""Does a control network belong to the model? Seen from configurations, before any weights are loaded."""

from __future__ import annotations

from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.folder_json import read_configuration

_FAMILIES = {768: "SD 1", 1024: "SD 2", 2048: "SDXL"}


def require_family(model: Path, control: Path, model_name: str, control_name: str) -> None:
    """Raise ModelError model_incompatible where they are of two families; both are named.

    ControlNets tell it by how many numbers a word of the sentence has for them, T2I-Adapters, which hear no
    sentence, by their type. Single files are not looked into here.
    """
    if not ((model / "unet").is_dir() and control.is_dir()):
        return
    unet, network = (read_configuration(part / "config.json") for part in (model / "unet", control))
    mine, its = unet.get("cross_attention_dim"), network.get("cross_attention_dim")
    if its is not None and mine != its:
        raise _strangers(model_name, _called(mine), control_name, _called(its))
    kind = network.get("adapter_type")
    xl = unet.get("addition_embed_type") == "text_time"
    if kind is not None and str(kind).endswith("_xl") != xl:
        names = ("another than SDXL", "SDXL")
        raise _strangers(model_name, names[xl], control_name, names[not xl])


def _called(width: object) -> str:
    known = _FAMILIES.get(width) if isinstance(width, int) else None
    return f"{known} ({width} numbers a word)" if known else f"{str(width)[:20]} numbers a word"


def _strangers(model: str, its_family: str, control: str, other: str) -> ModelError:
    return ModelError(
        f"the control network {control} is for {other}, the model {model} is {its_family}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="name a control network of the model's family with --control",
        value=control,
    )
