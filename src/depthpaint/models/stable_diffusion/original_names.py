"""What the parts of a UNet are called in the original repositories' layout, which the web UIs use."""

from __future__ import annotations

from typing import Any

RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
    "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
_ENDS = {
    "conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2", "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0", "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}  # fmt: skip


def original_name(name: str, unet: Any) -> str:
    """The name of a UNet's module in the original layout, given its name in diffusers'.

    `unet` is the UNet's configuration. There the blocks of all levels are numbered in one row: down, a level
    is its layers and a downsampling; up, one layer more, the upsampling with the last of them.
    """
    for mine, its in _ENDS.items():
        if name == mine or name.startswith(f"{mine}."):
            return _inside(its + name.removeprefix(mine))
    side, level, kind, layer, *rest = name.split(".")
    per_level = int(unet["layers_per_block"]) + 1
    down = side == "down_blocks"
    if kind == "downsamplers":
        number, place, rest = 1 + int(level) * per_level + per_level - 1, "op", rest[1:]
        return ".".join([f"input_blocks.{number}.0.{place}", *rest])
    if kind == "upsamplers":
        attends = "CrossAttn" in unet["up_block_types"][int(level)]
        number = int(level) * per_level + per_level - 1
        return ".".join([f"output_blocks.{number}.{2 if attends else 1}", *rest])
    number = int(level) * per_level + int(layer) + (1 if down else 0)
    place = f"{'input' if down else 'output'}_blocks.{number}.{0 if kind == 'resnets' else 1}"
    return _inside(".".join([place, *rest]))


def _inside(name: str) -> str:
    parts = name.split(".")
    return ".".join(RESNET.get(part, part) for part in parts)
