"""Stable Diffusions in miniature, in the layouts that they are published in, with random weights."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    ControlNetUnionModel,
    DDIMScheduler,
    T2IAdapter,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

WORDS = ["a</w>", "house</w>", "red</w>", "snowy</w>", "bedroom</w>", "in</w>", "the</w>", "forest</w>"]
CHANNELS = (32, 64)
XL_CHANNELS = (32, 64, 64)


def save_tokenizer(folder: Path, pad: str = "<|endoftext|>") -> None:
    letters = [chr(c) for c in range(97, 123)]
    vocabulary = [*letters, *(f"{c}</w>" for c in letters), *WORDS, "<|startoftext|>", "<|endoftext|>"]
    merges = sorted({pair for word in WORDS for pair in _merges(word)}, key=len)
    parts = [pair.replace(" ", "") for pair in merges]
    table = {
        token: k for k, token in enumerate(dict.fromkeys([*vocabulary[:-2], *parts, *vocabulary[-2:], "!"]))
    }
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(table))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    tokenizer = CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), pad_token=pad, model_max_length=77
    )
    tokenizer.save_pretrained(str(folder))


def _merges(word: str) -> list[str]:
    """How byte pairs are joined, from the left, until the word is one token."""
    letters = [*word.removesuffix("</w>")]
    letters[-1] += "</w>"
    pairs: list[str] = []
    while len(letters) > 1:
        pairs.append(f"{letters[0]} {letters[1]}")
        letters = [letters[0] + letters[1], *letters[2:]]
    return pairs


def text_config(width: int, **more: Any) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=200, hidden_size=width, intermediate_size=37, num_hidden_layers=4, num_attention_heads=4,
        max_position_embeddings=77, bos_token_id=0, eos_token_id=1, pad_token_id=1, **more,
    )  # fmt: skip


def unet(width: int, channels: int = 4, **more: Any) -> UNet2DConditionModel:
    layout: dict[str, Any] = {
        "block_out_channels": CHANNELS,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    }
    return UNet2DConditionModel(
        layers_per_block=1, sample_size=16, in_channels=channels, out_channels=4, norm_num_groups=8,
        cross_attention_dim=width, attention_head_dim=4, **(layout | more),
    )  # fmt: skip


def vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(16, 16, 16, 16), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4, norm_num_groups=4, sample_size=64,
    )  # fmt: skip


SDXL: dict[str, Any] = {
    "addition_embed_type": "text_time", "addition_time_embed_dim": 8,
    "transformer_layers_per_block": (0, 1, 2), "block_out_channels": XL_CHANNELS,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "projection_class_embeddings_input_dim": 6 * 8 + 32, "use_linear_projection": True,
}  # fmt: skip


def save_model(folder: Path, family: str) -> Path:
    """One of sd15, sd21 (velocity), sd2-depth (fifth channel), sdxl."""
    torch.random.default_generator.manual_seed(sum(map(ord, family)))
    xl = family == "sdxl"
    encoder = CLIPTextModel(text_config(32))
    encoder.save_pretrained(str(folder / "text_encoder"))
    save_tokenizer(folder / "tokenizer", pad="!" if family.startswith("sd2") else "<|endoftext|>")
    index: dict[str, Any] = {
        "_class_name": "StableDiffusionXLPipeline" if xl else "StableDiffusionPipeline",
        "_diffusers_version": "0.30.0",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", "DDIMScheduler"],
    }
    if xl:
        second = CLIPTextModelWithProjection(text_config(32, projection_dim=32, hidden_act="gelu"))
        second.save_pretrained(str(folder / "text_encoder_2"))
        save_tokenizer(folder / "tokenizer_2", pad="!")
        index["text_encoder_2"] = ["transformers", "CLIPTextModelWithProjection"]
        index["tokenizer_2"] = ["transformers", "CLIPTokenizer"]
        index["force_zeros_for_empty_prompt"] = True
    network = unet(64 if xl else 32, 5 if family == "sd2-depth" else 4, **(SDXL if xl else {}))
    network.save_pretrained(folder / "unet")
    vae().save_pretrained(folder / "vae")
    DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
        set_alpha_to_one=True, steps_offset=0, timestep_spacing="trailing",
        prediction_type="v_prediction" if family == "sd21" else "epsilon",
    ).save_pretrained(folder / "scheduler")  # fmt: skip
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def save_control(folder: Path, model: Path) -> Path:
    """A depth ControlNet for the model; its zero convolutions are filled, so that it says something."""
    torch.random.default_generator.manual_seed(7)
    network = ControlNetModel.from_unet(
        UNet2DConditionModel.from_pretrained(model / "unet"),
        conditioning_embedding_out_channels=(8, 8, 16, 16),
    )
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.5)
    for parameter in network.controlnet_cond_embedding.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    network.save_pretrained(folder)
    return folder


def save_union(folder: Path, model: Path) -> Path:
    """A union of six control networks for an SDXL; what starts as zero is filled."""
    like = ControlNetModel.from_unet(
        UNet2DConditionModel.from_pretrained(model / "unet"),
        conditioning_embedding_out_channels=(8, 8, 16, 16),
    ).config
    torch.random.default_generator.manual_seed(9)
    known = inspect.signature(ControlNetUnionModel).parameters
    network = ControlNetUnionModel(
        **{name: value for name, value in like.items() if name in known},
        num_trans_channel=XL_CHANNELS[0], num_trans_head=4, num_proj_channel=XL_CHANNELS[0],
    )  # fmt: skip
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.5)
    for parameter in network.controlnet_cond_embedding.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    # What it is told to see has to matter.
    for parameter in network.control_add_embedding.parameters():
        torch.nn.init.normal_(parameter, std=1.0)
    network.save_pretrained(folder)
    return folder


def save_adapter(folder: Path, *, xl: bool = False) -> Path:
    torch.random.default_generator.manual_seed(8)
    channels = [*XL_CHANNELS, XL_CHANNELS[-1]] if xl else list(CHANNELS)
    T2IAdapter(
        in_channels=3, channels=channels, num_res_blocks=1, downscale_factor=16 if xl else 8,
        adapter_type="full_adapter_xl" if xl else "full_adapter",
    ).save_pretrained(folder)  # fmt: skip
    return folder
