"""The family of a single-file checkpoint, from the names and shapes in its header."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import safe_open

from depthpaint.models.folder_json import incompatible
from depthpaint.models.stable_diffusion.folder_parts import habits_from
from depthpaint.models.weights import require_whole
from depthpaint.plan import ModelHabits

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
# The last of OpenCLIP's 24 layers is not used, so it is left out.
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


def _published(unet: Any, text: Any, noise: Any) -> dict[str, dict[str, Any]]:
    return {"unet": unet, "vae": _VAE, "text_encoder": text, "scheduler": noise}


LAYOUTS: dict[Family, dict[str, dict[str, Any]]] = {
    "sd15": _published(_UNET, _CLIP_L, _NOISE),
    "sd21": _published(_UNET2 | {"sample_size": 96, "upcast_attention": True}, _CLIP_H, _VELOCITY),
    "sd21-base": _published(_UNET2, _CLIP_H, _NOISE),
    "sd2-depth": _published(_UNET2 | {"in_channels": 5}, _CLIP_H, _NOISE),
    "sdxl": _published(_UNET_XL, _CLIP_L, _NOISE) | {
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


Prediction = Literal["epsilon", "v_prediction"]
VELOCITY, ZERO_SNR = "v_pred", "ztsnr"
_WORDS: dict[str, Prediction] = {
    "v": "v_prediction", "v_prediction": "v_prediction", "v-prediction": "v_prediction",
    "epsilon": "epsilon", "eps": "epsilon",
}  # fmt: skip
_IN_YAML = re.compile(r"^\s*parameterization\s*:\s*[\"']?(\w+)", re.MULTILINE)
_ARCHITECTURES: dict[str, Prediction] = {
    "stable-diffusion-v2-768-v": "v_prediction", "stable-diffusion-v2-512": "epsilon",
}  # fmt: skip
_LONGEST_YAML = 100_000


def stated_prediction(file: Path, names: Set[str], texts: Mapping[str, str]) -> Prediction | None:
    """The prediction type from tensor `names`, the header's `texts` or NAME.yaml; None if not stated."""
    if VELOCITY in names:
        return "v_prediction"
    stated = _WORDS.get(texts.get("modelspec.prediction_type", "").lower())
    return stated or _ARCHITECTURES.get(texts.get("modelspec.architecture", "").lower()) or _beside(file)


def scheduler_changes(prediction: Prediction | None, names: Set[str]) -> dict[str, Any]:
    """The differences from the family's scheduler."""
    changes: dict[str, Any] = {} if prediction is None else {"prediction_type": prediction}
    return changes | ({"rescale_betas_zero_snr": True} if ZERO_SNR in names else {})


def _beside(file: Path) -> Prediction | None:
    settings = file.with_suffix(".yaml")
    # Opening a pipe of that name would block.
    if not settings.is_file():
        return None
    try:
        with settings.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(_LONGEST_YAML)
    except OSError:
        return None
    match = _IN_YAML.search(text)
    if match is not None:
        return _WORDS.get(match[1].lower())
    # The published configurations of epsilon models omit it.
    return "epsilon" if "ldm." in text else None


UNET = "model.diffusion_model."
FIRST = f"{UNET}input_blocks.0.0.weight"
_OTHERS = {
    "double_blocks.": "Flux", "joint_blocks.": "Stable Diffusion 3",
    "transformer_blocks.0.attn.": "Flux or SD 3",
    "lora_": "a LoRA", "control_model.": "a control network alone",
    "input_hint_block.": "a control network alone", "controlnet_cond_embedding.": "a control network alone",
    "first_stage_model.": "an autoencoder alone",
}  # fmt: skip
_TRAINED_OTHERWISE = {
    "edm_vpred.sigma_max": "CosXL", "edm_mean": "Playground 2.5",
    f"{UNET}label_emb.0.0.weight": "an unCLIP model, which is conditioned on pictures",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a checkpoint is; `scheduler` if it differs from the family's, `doubt` an assumption, or ""."""

    family: Family
    scheduler: dict[str, Any]
    doubt: str = ""


def family_of(file: Path) -> Family:
    """The family of a checkpoint in the original layout. Raises ModelError as `kind_of` does."""
    return kind_of(file).family


def kind_of(file: Path) -> FileKind:
    """The kind of a checkpoint in the original layout.

    SD 2's two kinds have the same names and shapes; if nothing tells them apart, velocity prediction is
    assumed, as in 2.1 at 768 pixels. Raises ModelError model_incompatible for anything else than SD 1, 2 or
    XL, model_truncated for an incomplete safetensors file.
    """
    require_whole(file)
    with safe_open(file, framework="numpy") as stream:
        names = set(stream.keys())
        texts: dict[str, str] = stream.metadata() or {}
        if FIRST not in names:
            kind = next(
                (kind for sign, kind in _OTHERS.items() if any(sign in n for n in names)), "something else"
            )
            raise incompatible(file, f"it is {kind}, not a checkpoint of Stable Diffusion 1, 2 or XL")
        channels = int(stream.get_slice(FIRST).get_shape()[1])
    if channels not in (4, 5):
        raise incompatible(file, f"its UNet takes {channels} channels: a model for inpainting or editing")
    family = _family(file, names, channels)
    prediction = stated_prediction(file, names, texts)
    scheduler = scheduler_changes(prediction, names)
    if family != "sd21" or prediction is not None:
        return FileKind(_kind_of_sd2(family, prediction), scheduler)
    return FileKind(family, scheduler, _doubt(file))


def habits_of_file(file: Path, name: str) -> ModelHabits:
    """A checkpoint's habits: its family's, with its own noise settings."""
    kind = kind_of(file)
    parts = LAYOUTS[kind.family]
    return habits_from(parts["unet"], parts["vae"], parts["scheduler"] | kind.scheduler, name)


def _family(file: Path, names: Set[str], channels: int) -> Family:
    def has(prefix: str) -> bool:
        return any(name.startswith(prefix) for name in names)

    is_xl = has("conditioner.embedders.1.")
    if has("conditioner.embedders.0.") and not is_xl:
        raise incompatible(file, "it is SDXL's refiner, which cannot paint from pure noise")
    for sign, kind in _TRAINED_OTHERWISE.items():
        if sign in names and not (is_xl and sign.startswith(UNET)):
            raise incompatible(file, f"it is {kind}")
    if is_xl:
        return "sdxl"
    if has("cond_stage_model.model."):
        return "sd2-depth" if channels == 5 else "sd21"
    if has("cond_stage_model.transformer."):
        return "sd15"
    raise incompatible(file, "it contains no text encoder")


def _kind_of_sd2(family: Family, prediction: Prediction | None) -> Family:
    return "sd21-base" if family == "sd21" and prediction == "epsilon" else family


def _doubt(file: Path) -> str:
    return (
        f"{file.name} does not state its prediction type; SD 2.1 at 768 pixels (velocity) is assumed. If "
        f"pictures are noise, put {file.stem}.yaml beside it with the line: parameterization: eps"
    )
