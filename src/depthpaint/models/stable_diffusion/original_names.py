"""The original repositories' weight names, and loading tensors of one file into a module."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from depthpaint.models.folder_json import incompatible

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
            rest = name.removeprefix(mine)
            return its + (_inside(rest) if "resnets" in mine else rest)
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
    is_resnet = kind == "resnets"
    place = ".".join([f"{'input' if down else 'output'}_blocks.{number}.{0 if is_resnet else 1}", *rest])
    return _inside(place) if is_resnet else place


def _inside(name: str) -> str:
    parts = name.split(".")
    return ".".join(RESNET.get(part, part) for part in parts)


def original_vae_name(name: str, levels: int) -> str:
    """The name of an AutoencoderKL's module in the original layout, which counts `levels` up from below."""
    side, *rest = name.split(".")
    if side not in ("encoder", "decoder"):
        return name
    match rest:
        case ["mid_block", "resnets", layer, *inner]:
            place = ["mid", f"block_{int(layer) + 1}", *inner]
        case ["mid_block", "attentions", _, *inner]:
            place = ["mid", "attn_1", *(_ATTENTION.get(part, part) for part in inner if part != "0")]
        case ["down_blocks", level, "resnets", layer, *inner]:
            place = ["down", level, "block", layer, *inner]
        case ["down_blocks", level, "downsamplers", _, *inner]:
            place = ["down", level, "downsample", *inner]
        case ["up_blocks", level, "resnets", layer, *inner]:
            place = ["up", str(levels - 1 - int(level)), "block", layer, *inner]
        case ["up_blocks", level, "upsamplers", _, *inner]:
            place = ["up", str(levels - 1 - int(level)), "upsample", *inner]
        case _:
            place = ["norm_out" if part == "conv_norm_out" else part for part in rest]
    return ".".join([side, *("nin_shortcut" if part == "conv_shortcut" else part for part in place)])


_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out": "proj_out"}


def original_control_name(name: str, unet: Any) -> str:
    """The name of a ControlNet's module in the original layout."""
    parts = name.split(".")
    match parts:
        case ["controlnet_cond_embedding", "conv_in", *rest]:
            return ".".join(["input_hint_block.0", *rest])
        case ["controlnet_cond_embedding", "blocks", number, *rest]:
            return ".".join([f"input_hint_block.{2 * (int(number) + 1)}", *rest])
        case ["controlnet_cond_embedding", "conv_out", *rest]:
            return ".".join(["input_hint_block.14", *rest])
        case ["controlnet_down_blocks", number, *rest]:
            return ".".join([f"zero_convs.{number}.0", *rest])
        case ["controlnet_mid_block", *rest]:
            return ".".join(["middle_block_out.0", *rest])
        case _:
            return original_name(name, unet)


Spell = Callable[[str], str]


class FileWeights:
    """An open safetensors file that tracks which of its tensors were used."""

    def __init__(self, file: Path, stream: Any) -> None:
        self.file = file
        self.names: frozenset[str] = frozenset(stream.keys())
        self._stream = stream
        self._taken: set[str] = set()

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape, without reading it."""
        return tuple(self._stream.get_slice(name).get_shape())

    def take(self, name: str) -> Tensor:
        """A tensor. Raises ModelError if there is none of that name."""
        if name not in self.names:
            raise incompatible(self.file, f"its {name} is missing")
        self._taken.add(name)
        return self._stream.get_tensor(name)

    def require_all_taken(self, *prefixes: str) -> None:
        """Raise ModelError if a tensor below one of the prefixes was not used: then it is another network."""
        left = sorted(name for name in self.names - self._taken if name.startswith(prefixes))
        if left:
            raise incompatible(self.file, f"a network of this kind has no tensor {left[0][:80]}")


def spelled(weights: FileWeights, spell: Spell) -> Callable[[str], Tensor]:
    """A function that finds a parameter by the name that `spell` gives its module."""

    def find(name: str) -> Tensor:
        module, _, leaf = name.rpartition(".")
        return weights.take(f"{spell(module)}.{leaf}")

    return find


def filled(
    file: Path, empty: nn.Module, find: Callable[[str], Tensor], device: str, dtype: torch.dtype
) -> Any:
    """Fill `empty`, a module without memory, with the weights that `find` returns.

    Raises ModelError model_incompatible if one is missing or of another size.
    """
    state = {name: _of_size(file, name, find(name), like) for name, like in empty.state_dict().items()}
    empty.load_state_dict({name: tensor.to(dtype) for name, tensor in state.items()}, assign=True)
    for name, buffer in empty.named_buffers():
        if buffer.is_meta and name.endswith("position_ids"):
            owner: Any = empty.get_submodule(name.rpartition(".")[0])
            owner.position_ids = torch.arange(buffer.shape[-1])[None]
    return empty.to(device).eval().requires_grad_(requires_grad=False)


def _of_size(file: Path, name: str, tensor: Tensor, like: Tensor) -> Tensor:
    """In some files attention's projections are 1x1 convolutions with the same numbers."""
    if _flat(tensor) != _flat(like):
        sizes = ("x".join(map(str, shape)) for shape in (tensor.shape, like.shape))
        raise incompatible(file, "its {} is {} and should be {}".format(name, *sizes))
    return tensor.reshape(like.shape)


def _flat(tensor: Tensor) -> torch.Size:
    return tensor.shape[:2] if tensor.shape[2:] == (1, 1) else tensor.shape
