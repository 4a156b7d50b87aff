"""A LoRA's file before any of its numbers is read: which layers it changes, and whether it fits them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import nn

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.folder_json import LONGEST, parsed_object
from depthpaint.models.stable_diffusion.lora_names import Piece, split_key

MOST_ALPHA = 1e4
METADATA = "lora_adapter_metadata"
"""Where diffusers keeps peft's settings, as JSON: alpha is told there and not beside the factors."""
_OTHERS = {
    "hada_": "LoHa", "lokr_": "LoKr", "dora_scale": "DoRA", "lora_magnitude_vector": "DoRA",
    "lora_mid": "a CP-decomposed LoCon", "oft_": "OFT", ".diff": "a difference of whole weights",
}  # fmt: skip
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One layer's change: its factors' keys, and alpha / rank (peft's rank-stabilised: alpha / sqrt rank)."""

    name: str
    layer: nn.Linear | nn.Conv2d
    down: str
    up: str
    scale: float


def changes_in(file: Path, stream: Any, known: Mapping[str, nn.Linear | nn.Conv2d]) -> list[Change]:
    """All that an open LoRA file changes among the `known` layers.

    Raises ModelError model_incompatible where a key has no place, or a rank, a shape or an alpha does not
    fit; no factor is read for that.
    """
    found: dict[nn.Module, dict[Piece, str]] = {}
    names: dict[nn.Module, str] = {}
    for key in stream.keys():
        _refuse_others(file, key)
        split = split_key(key)
        if split is None or split[0] not in known:
            raise unfit(file, f"this model has no place for its {key[:80]!r}")
        name, piece = split
        layer = known[name]
        if piece in found.setdefault(layer, {}):
            raise unfit(file, f"it changes {name[:60]!r} twice")
        found[layer][piece] = key
        names[layer] = name
    if not found:
        raise unfit(file, "there is nothing in it")
    settings = _settings(file, stream)
    return [_change(file, stream, names[layer], known, keys, settings) for layer, keys in found.items()]


def _refuse_others(file: Path, key: str) -> None:
    for sign, kind in _OTHERS.items():
        if sign in key:
            raise unfit(file, f"it is {kind}, which is not read")


def _change(
    file: Path,
    stream: Any,
    name: str,
    known: Mapping[str, nn.Linear | nn.Conv2d],
    keys: Mapping[Piece, str],
    settings: Mapping[str, Any],
) -> Change:
    if not {"up", "down"} <= keys.keys():
        raise unfit(file, f"half of {name[:60]!r} is missing")
    layer = known[name]
    up, down = (cast("Shape", tuple(stream.get_slice(keys[half]).get_shape())) for half in ("up", "down"))
    rank = down[0] if down else 0
    paired = len(up) in (2, 4) and len(down) == len(up) and up[1] == rank > 0
    if not paired or any(side != 1 for side in up[2:]):
        raise unfit(file, f"the halves of {name[:60]!r} are {_size(up)} and {_size(down)}")
    made, here = (up[0], *down[1:]), tuple(layer.weight.shape)
    if _flat(made) != _flat(here):
        raise unfit(file, f"it is for a layer of {_size(made)}, here it is {_size(here)}")
    alpha = _alpha(file, stream, name, keys.get("alpha"), settings, rank)
    root = math.sqrt(rank) if settings.get(f"{name.split('.')[0]}.use_rslora") else rank
    return Change(name, layer, keys["down"], keys["up"], alpha / root)


def _alpha(
    file: Path, stream: Any, name: str, key: str | None, settings: Mapping[str, Any], rank: int
) -> float:
    """Told beside the factors, else in peft's settings, else the rank."""
    told: Any = rank
    if key is not None:
        number = stream.get_tensor(key)
        told = number.item() if number.numel() == 1 else None
    elif f"{name.split('.')[0]}.lora_alpha" in settings:
        told = _alpha_in(settings, name)
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    # Not the other way round: nothing is more than not-a-number.
    if not (is_number and abs(told) <= MOST_ALPHA):
        raise unfit(file, f"the alpha of {name[:60]!r} is {str(told)[:20] if is_number else 'no number'}")
    return float(told)


def _alpha_in(settings: Mapping[str, Any], name: str) -> Any:
    """peft's alpha of a layer: one for all of a part, unless a pattern tells the layer its own."""
    part, _, layer = name.partition(".")
    patterns = settings.get(f"{part}.alpha_pattern") or {}
    if not isinstance(patterns, dict):
        return None
    own = (
        alpha
        for pattern, alpha in cast("dict[str, Any]", patterns).items()
        if layer == pattern or layer.endswith(f".{pattern}")
    )
    return next(own, settings[f"{part}.lora_alpha"])


def _settings(file: Path, stream: Any) -> Mapping[str, Any]:
    """peft's settings by part and name, such as "unet.lora_alpha"; empty where none are told."""
    text = (stream.metadata() or {}).get(METADATA)
    if text is None:
        return {}
    if len(text) > LONGEST:
        raise unfit(file, f"its {METADATA} has more than {LONGEST:,} characters")
    try:
        told = parsed_object(text)
    except ValueError as error:
        raise unfit(file, f"its {METADATA} {error}") from error
    if any(value for name, value in told.items() if name.endswith(".use_dora")):
        raise unfit(file, "it is DoRA, which is not read")
    return told


def _flat(shape: Shape) -> Shape:
    """A convolution of one pixel is a linear layer; some files have the one, some models the other."""
    return shape[:2] if shape[2:] == (1, 1) else shape


def _size(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "one number"


def unfit(file: Path, why: str) -> ModelError:
    """The error for a LoRA that cannot be added."""
    return ModelError(
        f"the LoRA {file.name} does not fit the model: {why}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="take a LoRA that was trained on this model's family (SD 1, SD 2 or SDXL)",
        value=str(file),
    )
