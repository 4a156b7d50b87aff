"""What a LoRA file calls the layers of a model: kohya's spelling, peft's, and those of older diffusers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from torch import nn

from depthpaint.models.stable_diffusion.original_names import original_name

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
    """The layer that a file's key is about, and which piece of its change it is; None for other keys."""
    ending = next((ending for ending in _ENDINGS if key.endswith(ending)), None)
    return None if ending is None else (_plain(key.removesuffix(ending)), _ENDINGS[ending])


def layers_by_name(parts: Mapping[str, Any]) -> dict[str, nn.Linear | nn.Conv2d]:
    """Every linear and convolutional layer of a model's parts by all the names that a file may call it."""
    known: dict[str, nn.Linear | nn.Conv2d] = {}
    for part, prefixes in _KOHYA.items():
        if part not in parts:
            continue
        for name, layer in parts[part].named_modules():
            if not isinstance(layer, nn.Linear | nn.Conv2d):
                continue
            for spelling in _spellings(part, name, parts[part]):
                known[f"{part}.{spelling}"] = layer
                for prefix in prefixes:
                    known[prefix + spelling.replace(".", "_")] = layer
    return known


def _spellings(part: str, name: str, module: Any) -> list[str]:
    if part == "unet":
        return [name, original_name(name, module.config)]
    # transformers has dropped this level of the names; files still have it.
    inner = name.removeprefix("text_model.")
    return [inner, f"text_model.{inner}"]


def _plain(name: str) -> str:
    """Without the levels that only some versions of the libraries write."""
    name = name.removeprefix("base_model.model.").replace(".processor.", ".")
    return re.sub(r"\.to_out$", ".to_out.0", name)
