"""Stable Diffusion at full size with random weights, in the published layout: for speed, memory, parity.

python tests/parity/full_size.py sd15|sdxl FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from tiny_sd import save_tokenizer

from depthpaint.models.stable_diffusion.file_family import LAYOUTS, write_layout

CLASSES: dict[str, Any] = {
    "unet": diffusers.UNet2DConditionModel,
    "vae": diffusers.AutoencoderKL,
    "text_encoder": transformers.CLIPTextModel,
    "text_encoder_2": transformers.CLIPTextModelWithProjection,
}


def drawn(kind: Any, configuration: dict[str, Any], generator: torch.Generator) -> Any:
    """A module with weights that keep numbers in bounds: small matrices, norms as they begin."""
    with torch.device("meta"):
        made = (
            kind.from_config(configuration)
            if hasattr(kind, "from_config")
            else kind(transformers.CLIPTextConfig(**configuration))
        )
    return fill(made, generator)


def fill(module: Any, generator: torch.Generator) -> Any:
    """Real memory for a module on the meta device, with random weights."""
    module = module.to_empty(device="cpu")
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.5 / weight[0].numel() ** 0.5, generator=generator)
            else:
                weight.fill_(1.0 if name.endswith("weight") else 0.0)
    return module


def save(family: Any, folder: Path) -> None:
    """Write FOLDER/model and FOLDER/control."""
    generator = torch.Generator().manual_seed(1)
    model = write_layout(family, folder / "model")
    for name, configuration in LAYOUTS[family].items():
        if name == "scheduler":
            continue
        part = drawn(CLASSES[name], configuration, generator)
        part.save_pretrained(str(model / name))
        if name == "unet":
            with torch.device("meta"):
                control = diffusers.ControlNetModel.from_unet(part, load_weights_from_unet=False)
            fill(control, generator).save_pretrained(folder / "control")
    for name in ("tokenizer", "tokenizer_2")[: 2 if family == "sdxl" else 1]:
        save_tokenizer(model / name)


if __name__ == "__main__":
    save(sys.argv[1], Path(sys.argv[2]))
