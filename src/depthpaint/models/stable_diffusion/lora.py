"""LoRAs: their files and layer names (kohya, peft, diffusers), and adding them to a model's weights."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from safetensors import safe_open
from torch import Tensor, nn

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.folder_json import LONGEST, parsed_object
from depthpaint.models.stable_diffusion.original_names import original_name
from depthpaint.models.weights import require_whole

Piece = Literal["down", "up", "alpha"]
_KOHYA = {
    "unet": ("lora_unet_",),
    "text_encoder": ("lora_te_", "lora_te1_"),
    "text_encoder_2": ("lora_te2_",),
}
_ENDINGS: dict[str, Piece] = {
    ".lora_down.weight": "down", ".lora_up.weight": "up", ".lora.down.weight": "down",
    ".lora.up.weight": "up", ".lora_A.weight": "down", ".lora_B.weight": "up", ".alpha": "alpha",
    ".lora_A.default.weight": "down", ".lora_B.default.weight": "up",
    ".lora_linear_layer.down.weight": "down", ".lora_linear_layer.up.weight": "up",
    "_lora.down.weight": "down", "_lora.up.weight": "up",
}  # fmt: skip


def split_key(key: str) -> tuple[str, Piece] | None:
    """The layer of a file's key, and which piece of its change it is; None for other keys."""
    ending = next((ending for ending in _ENDINGS if key.endswith(ending)), None)
    return None if ending is None else (_plain(key.removesuffix(ending)), _ENDINGS[ending])


def layers_by_name(parts: Mapping[str, Any]) -> dict[str, nn.Linear | nn.Conv2d]:
    """Every linear and convolutional layer of a model's parts, by all names used in files."""
    layers: dict[str, nn.Linear | nn.Conv2d] = {}
    for part, prefixes in _KOHYA.items():
        if part not in parts:
            continue
        for name, layer in parts[part].named_modules():
            if not isinstance(layer, nn.Linear | nn.Conv2d):
                continue
            for spelling in _spellings(part, name, parts[part]):
                layers[f"{part}.{spelling}"] = layer
                for prefix in prefixes:
                    layers[prefix + spelling.replace(".", "_")] = layer
    return layers


def _spellings(part: str, name: str, module: Any) -> list[str]:
    if part == "unet":
        return [name, original_name(name, module.config)]
    # transformers has removed this level of the names; files still have it.
    inner = name.removeprefix("text_model.")
    return [inner, f"text_model.{inner}"]


def _plain(name: str) -> str:
    """The name without the levels that only some versions of the libraries write."""
    name = name.removeprefix("base_model.model.").replace(".processor.", ".")
    return re.sub(r"\.to_out$", ".to_out.0", name)


MOST_ALPHA = 1e4
METADATA = "lora_adapter_metadata"
"""Where diffusers keeps peft's settings, as JSON, including alpha."""
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
    """All changes of an open LoRA file to the `known` layers.

    Raises ModelError model_incompatible if a key has no layer, or a rank, a shape or an alpha does not fit;
    no factor is read for that.
    """
    by_layer: dict[nn.Module, dict[Piece, str]] = {}
    names: dict[nn.Module, str] = {}
    for key in stream.keys():
        _refuse_others(file, key)
        split = split_key(key)
        if split is None or split[0] not in known:
            raise unfit(file, f"this model has no layer for {key[:80]!r}")
        name, piece = split
        layer = known[name]
        if piece in by_layer.setdefault(layer, {}):
            raise unfit(file, f"it changes {name[:60]!r} twice")
        by_layer[layer][piece] = key
        names[layer] = name
    if not by_layer:
        raise unfit(file, "it is empty")
    settings = _settings(file, stream)
    return [_change(file, stream, names[layer], known, keys, settings) for layer, keys in by_layer.items()]


def _refuse_others(file: Path, key: str) -> None:
    for sign, kind in _OTHERS.items():
        if sign in key:
            raise unfit(file, f"it is {kind}, which is not supported")


def _change(
    file: Path,
    stream: Any,
    name: str,
    known: Mapping[str, nn.Linear | nn.Conv2d],
    keys: Mapping[Piece, str],
    settings: Mapping[str, Any],
) -> Change:
    if not {"up", "down"} <= keys.keys():
        raise unfit(file, f"one factor of {name[:60]!r} is missing")
    layer = known[name]
    up, down = (cast("Shape", tuple(stream.get_slice(keys[half]).get_shape())) for half in ("up", "down"))
    rank = down[0] if down else 0
    paired = len(up) in (2, 4) and len(down) == len(up) and up[1] == rank > 0
    if not paired or any(side != 1 for side in up[2:]):
        raise unfit(file, f"the factors of {name[:60]!r} are {_size(up)} and {_size(down)}")
    made, here = (up[0], *down[1:]), tuple(layer.weight.shape)
    if _flat(made) != _flat(here):
        raise unfit(file, f"it is for a layer of {_size(made)}, the model's is {_size(here)}")
    alpha = _alpha(file, stream, name, keys.get("alpha"), settings, rank)
    root = math.sqrt(rank) if settings.get(f"{name.split('.')[0]}.use_rslora") else rank
    return Change(name, layer, keys["down"], keys["up"], alpha / root)


def _alpha(
    file: Path, stream: Any, name: str, key: str | None, settings: Mapping[str, Any], rank: int
) -> float:
    """From its own tensor, else from peft's settings, else the rank."""
    alpha: Any = rank
    if key is not None:
        number = stream.get_tensor(key)
        alpha = number.item() if number.numel() == 1 else None
    elif f"{name.split('.')[0]}.lora_alpha" in settings:
        alpha = _alpha_in(settings, name)
    is_number = isinstance(alpha, int | float) and not isinstance(alpha, bool)
    # Not "> MOST_ALPHA": comparisons with NaN are false.
    if not (is_number and abs(alpha) <= MOST_ALPHA):
        raise unfit(file, f"the alpha of {name[:60]!r} is {str(alpha)[:20] if is_number else 'not a number'}")
    return float(alpha)


def _alpha_in(settings: Mapping[str, Any], name: str) -> Any:
    """peft's alpha of a layer: one for the whole part, or the one of a matching pattern."""
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
    """peft's settings by part and name, such as "unet.lora_alpha"; empty if there are none."""
    text = (stream.metadata() or {}).get(METADATA)
    if text is None:
        return {}
    if len(text) > LONGEST:
        raise unfit(file, f"its {METADATA} has more than {LONGEST:,} characters")
    try:
        settings = parsed_object(text)
    except ValueError as error:
        raise unfit(file, f"its {METADATA} {error}") from error
    if any(value for name, value in settings.items() if name.endswith(".use_dora")):
        raise unfit(file, "it is DoRA, which is not supported")
    return settings


def _flat(shape: Shape) -> Shape:
    """A 1x1 convolution is equal to a linear layer; files and models may differ in which they use."""
    return shape[:2] if shape[2:] == (1, 1) else shape


def _size(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "one number"


def unfit(file: Path, why: str) -> ModelError:
    """The error for a LoRA that cannot be added."""
    return ModelError(
        f"the LoRA {file.name} does not fit the model: {why}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="use a LoRA that was trained on this model's family (SD 1, SD 2 or SDXL)",
        value=str(file),
    )


@torch.no_grad()
def apply_loras(loras: Sequence[tuple[Path, float]], parts: Mapping[str, Any]) -> None:
    """Add LoRAs (file, weight) to the UNet and text encoders in `parts`.

    Each file is checked completely before anything of it is added. Raises ModelError: model_truncated for an
    incomplete safetensors file, model_incompatible if a key, a shape, a rank or an alpha does not fit the
    model, or a number is not finite.
    """
    known = layers_by_name(parts) if loras else {}
    for file, weight in loras:
        require_whole(file)
        with safe_open(file, framework="pt") as stream:
            for change in changes_in(file, stream, known):
                product = _product(stream.get_tensor(change.up), stream.get_tensor(change.down))
                if not torch.isfinite(product).all():
                    raise unfit(file, f"the factors of {change.name[:60]!r} are not finite")
                mine = change.layer.weight
                added = weight * change.scale * product.reshape(mine.shape).to(mine.device)
                mine.copy_(mine.float() + added)


def _product(up: Tensor, down: Tensor) -> Tensor:
    """(out, in) or (out, in, h, w) of up (out, rank) and down (rank, in ...), in float32."""
    flat = up.float().flatten(1) @ down.float().flatten(1)
    return flat.unflatten(1, down.shape[1:])
