"""LoRAs added to a model's weights, as kohya's scripts and diffusers write them.

W' = W + weight * alpha / rank * up @ down (Hu et al. 2106.09685), in float32, once at loading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from depthpaint.models.stable_diffusion.lora_file import changes_in, unfit
from depthpaint.models.stable_diffusion.lora_names import layers_by_name
from depthpaint.models.weights import require_whole


@torch.no_grad()
def apply_loras(loras: Sequence[tuple[Path, float]], parts: Mapping[str, Any]) -> None:
    """Add LoRAs (file, weight) to the UNet and text encoders in `parts`.

    Each file is looked through from end to end before anything of it is added. Raises ModelError:
    model_truncated for a file that is no whole safetensors, model_incompatible where a key, a shape, a rank
    or an alpha does not fit the model, or a number is not finite.
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
