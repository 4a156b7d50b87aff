"""The families' configurations as they are published, for files that bring none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

Family = Literal["sd15", "sd21", "sd21-base", "sd2-depth", "sdxl"]

_UNET: dict[str, Any] = {
    "_class_name": "UNet2DConditionModel", "act_fn": "silu", "block_out_channels": [320, 640, 1280, 1280],
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3, "flip_sin_to_cos": True, "freq_shift": 0,
    "in_channels": 4, "out_channels": 4, "layers_per_block": 2, "norm_num_groups": 32, "norm_eps": 1e-5,
    "attention_head_dim": 8, "cross_attention_dim": 768, "sample_size": 64,
}  # fmt: skip
_UNET2 = _UNET | {
    "attention_head_dim": [5, 10, 20, 20], "cross_attention_dim": 1024, "use_linear_projection": True,
}  # fmt: skip
_UNET_XL = _UNET | {
    "block_out_channels": [320, 640, 1280], "attention_head_dim": [5, 10, 20], "cross_attention_dim": 2048,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], "sample_size": 128,
    "transformer_layers_per_block": [1, 2, 10], "use_linear_projection": True,
    "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}  # fmt: skip
_VAE: dict[str, Any] = {
    "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4,
    "in_channels": 3, "out_channels": 3, "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 32,
    "sample_size": 512, "scaling_factor": 0.18215,
}  # fmt: skip
_CLIP_L: dict[str, Any] = {
    "model_type": "clip_text_model", "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
    "num_attention_heads": 12, "max_position_embeddings": 77, "vocab_size": 49408, "hidden_act": "quick_gelu",
    "projection_dim": 768, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1,
}  # fmt: skip
# The last of OpenCLIP's 24 layers is never read, so it is left out.
_CLIP_H = _CLIP_L | {
    "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16,
    "hidden_act": "gelu", "projection_dim": 512,
}  # fmt: skip
_CLIP_G = _CLIP_L | {
    "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20,
    "hidden_act": "gelu", "projection_dim": 1280,
}  # fmt: skip
_NOISE: dict[str, Any] = {
    "_class_name": "DDIMScheduler", "beta_schedule": "scaled_linear", "beta_start": 0.00085,
    "beta_end": 0.012,
    "num_train_timesteps": 1000, "prediction_type": "epsilon", "steps_offset": 1, "clip_sample": False,
    "set_alpha_to_one": False,
}  # fmt: skip
_VELOCITY = _NOISE | {"prediction_type": "v_prediction"}


def _family(unet: Any, text: Any, noise: Any) -> dict[str, dict[str, Any]]:
    return {"unet": unet, "vae": _VAE, "text_encoder": text, "scheduler": noise}


LAYOUTS: dict[Family, dict[str, dict[str, Any]]] = {
    "sd15": _family(_UNET, _CLIP_L, _NOISE),
    "sd21": _family(_UNET2 | {"sample_size": 96, "upcast_attention": True}, _CLIP_H, _VELOCITY),
    "sd21-base": _family(_UNET2, _CLIP_H, _NOISE),
    "sd2-depth": _family(_UNET2 | {"in_channels": 5}, _CLIP_H, _NOISE),
    "sdxl": _family(_UNET_XL, _CLIP_L, _NOISE) | {
        "vae": _VAE | {"sample_size": 1024, "scaling_factor": 0.13025, "force_upcast": True},
        "text_encoder_2": _CLIP_G,
    },
}  # fmt: skip


def write_layout(family: Family, folder: Path) -> Path:
    """Write the configurations as a folder in diffusers' layout, without weights or tokenizers."""
    parts = LAYOUTS[family]
    classes = {
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"], "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
    }  # fmt: skip
    kind = "StableDiffusionXLPipeline" if "text_encoder_2" in parts else "StableDiffusionPipeline"
    index: dict[str, Any] = {"_class_name": kind} | {name: classes[name] for name in parts}
    index["tokenizer"] = ["transformers", "CLIPTokenizer"]
    if "text_encoder_2" in parts:
        index |= {"tokenizer_2": ["transformers", "CLIPTokenizer"], "force_zeros_for_empty_prompt": True}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    for name, configuration in parts.items():
        (folder / name).mkdir()
        file = "scheduler_config.json" if name == "scheduler" else "config.json"
        (folder / name / file).write_text(json.dumps(configuration), encoding="utf-8")
    return folder
