"""A safety checker of random weights, made to refuse every picture or none."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPImageProcessor

SIDE = 30
LEVEL = "vision_model."


def _as_published(file: Path) -> None:
    """With a level of the names that the library has dropped since."""
    weights = load_file(file)
    renamed = {LEVEL + name if name.startswith(LEVEL) else name: each for name, each in weights.items()}
    save_file(renamed, file, metadata={"format": "pt"})


def save_checker(model: Path, *, refuses: bool) -> Path:
    """Put one into a model's folder, as published ones lie there."""
    torch.random.default_generator.manual_seed(11)
    layers = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 4}
    network = StableDiffusionSafetyChecker(CLIPConfig(
        projection_dim=8, vision_config=layers | {"image_size": SIDE, "patch_size": 6},
        text_config=layers | {"vocab_size": 20, "bos_token_id": 0, "eos_token_id": 1},
    ))  # fmt: skip
    with torch.no_grad():
        # No cosine is below -1, and none above 1.
        network.concept_embeds_weights.fill_(-1.5 if refuses else 1.5)
        network.special_care_embeds_weights.fill_(1.5)
    network.save_pretrained(str(model / "safety_checker"))
    _as_published(model / "safety_checker" / "model.safetensors")
    CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=SIDE).save_pretrained(
        str(model / "feature_extractor")
    )
    index = json.loads((model / "model_index.json").read_text())
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    (model / "model_index.json").write_text(json.dumps(index))
    return model
