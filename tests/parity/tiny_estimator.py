"""Small networks with random weights, of the architecture of the published ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def save_tiny(target: Path, *, half: bool = False, shard: str = "5GB", **configuration: Any) -> Path:
    """Save a Depth Anything of two layers into `target`."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    torch.random.default_generator.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=518, patch_size=14,
        reshape_hidden_states=False, apply_layernorm=True,
        **{"out_features": ["stage1", "stage2"]},
    )  # fmt: skip
    network = DepthAnythingForDepthEstimation(DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=32, neck_hidden_sizes=[8, 16],
        fusion_hidden_size=16, head_hidden_size=8, reassemble_factors=[4, 2], **configuration,
    ))  # fmt: skip
    if half:
        network = network.half()
    network.save_pretrained(target, max_shard_size=shard)
    return target
