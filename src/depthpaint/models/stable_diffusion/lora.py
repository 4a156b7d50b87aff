"""LoRAs added to a model's weights, as kohya's scripts and diffusers write them.

W' = W + weight * alpha / rank * up @ down (Hu et al. 2106.09685), in float32, once at loading.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.stable_diffusion.original_names import original_name
from depthpaint.models.weights import require_whole

MOST_ALPHA = 1e4
_KOHYA = {
    "unet": ("lora_unet_",),
    "text_encoder": ("lora_te_", "lora_te1_"),
    "text_encoder_2": ("lora_te2_",),
}
_ENDINGS = {
    ".lora_down.weight": "down", ".lora_up.weight": "up", ".lora.down.weight": "down",
    ".lora.up.weight": "up", ".lora_A.weight": "down", ".lora_B.weight": "up", ".alpha": "alpha",
    ".lora_linear_layer.down.weight": "down", ".lora_linear_layer.up.weight": "up",
    "_lora.down.weight": "down", "_lora.up.weight": "up",
}  # fmt: skip
_OTHERS = {"hada_": "LoHa", "lokr_": "LoKr", "dora_scale": "DoRA", "lora_mid": "a CP-decomposed LoCon"}


@dataclass(frozen=True, slots=True)
class _Change:
    """One layer's factors: up (out, rank), down (rank, in ...), and alpha, the rank where none is told."""

    up: Tensor
    down: Tensor
    alpha: float

    def product(self) -> Tensor:
        """alpha / rank * up @ down, in the shape of the layer's weight."""
        rank = self.down.shape[0]
        flat = self.up.float().flatten(1) @ self.down.float().flatten(1)
        return self.alpha / rank * flat.unflatten(1, self.down.shape[1:])


def apply_loras(loras: Sequence[tuple[Path, float]], parts: Mapping[str, Any]) -> None:
    """Add LoRAs (file, weight) to the UNet and text encoders in `parts`.

    Raises ModelError: pickle_refused or model_truncated for a file that is no whole safetensors,
    model_incompatible where a key, a shape or an alpha does not fit the model.
    """
    for file, weight in loras:
        require_whole(file)
        changes = _read(file, parts)
        with torch.no_grad():
            for layer, change in changes.items():
                product = change.product()
                if product.shape != layer.weight.shape:
                    raise _unfit(
                        file, f"it is for a layer of {_size(product)}, here it is {_size(layer.weight)}"
                    )
                layer.weight.copy_(layer.weight.float() + weight * product.to(layer.weight.device))


def _read(file: Path, parts: Mapping[str, Any]) -> dict[Any, _Change]:
    known = _layers(parts)
    found: dict[str, dict[str, Tensor]] = {}
    with safe_open(file, framework="pt") as stream:
        for key in stream.keys():
            for sign, name in _OTHERS.items():
                if sign in key:
                    raise _unfit(file, f"it is {name}, which is not read")
            ending = next((e for e in _ENDINGS if key.endswith(e)), None)
            name = None if ending is None else _plain(key.removesuffix(ending))
            if ending is None or name not in known:
                raise _unfit(file, f"this model has no place for its {key[:80]!r}")
            found.setdefault(name, {})[_ENDINGS[ending]] = stream.get_tensor(key)
    if not found:
        raise _unfit(file, "there is nothing in it")
    return {known[name]: _change(file, name, tensors) for name, tensors in found.items()}


def _change(file: Path, name: str, tensors: Mapping[str, Tensor]) -> _Change:
    if not {"up", "down"} <= tensors.keys():
        raise _unfit(file, f"half of {name[:60]!r} is missing")
    up, down = tensors["up"], tensors["down"]
    if up.ndim not in (2, 4) or down.ndim != up.ndim or up.shape[1] != down.shape[0]:
        raise _unfit(file, f"the halves of {name[:60]!r} are {_size(up)} and {_size(down)}")
    alpha = float(tensors["alpha"]) if "alpha" in tensors else float(down.shape[0])
    if not math.isfinite(alpha) or abs(alpha) > MOST_ALPHA:
        raise _unfit(file, f"the alpha of {name[:60]!r} is {alpha}")
    return _Change(up, down, alpha)


def _layers(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Every linear and convolutional layer by all the names that a file may call it."""
    known: dict[str, Any] = {}
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


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))


def _unfit(file: Path, why: str) -> ModelError:
    return ModelError(
        f"the LoRA {file.name} does not fit the model: {why}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="take a LoRA that was trained on this model's family (SD 1, SD 2 or SDXL)",
        value=str(file),
    )
