"""OpenCLIP's text encoder, as SD 2 and SDXL have it in their checkpoints, by the names of transformers."""

from __future__ import annotations

import re

from torch import Tensor

from depthpaint.models.stable_diffusion.file_weights import FileWeights

_ENDS = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
}  # fmt: skip
_LAYER = {
    "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}  # fmt: skip
_PROJECTIONS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")


def of_open_clip(weights: FileWeights, root: str, name: str) -> Tensor:
    """The parameter that transformers calls `name`; the three projections of attention are one there."""
    name = name.removeprefix("text_model.")
    if name == "text_projection.weight":
        return weights.take(f"{root}text_projection").T.contiguous()
    if name in _ENDS:
        return weights.take(root + _ENDS[name])
    layer = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
    if layer is None:
        return weights.take(root + name.replace("final_layer_norm", "ln_final"))
    number, inner, leaf = layer.groups()
    place = f"{root}transformer.resblocks.{number}."
    if inner in _LAYER:
        return weights.take(f"{place}{_LAYER[inner]}.{leaf}")
    three = weights.take(f"{place}attn.in_proj_{leaf}").chunk(3)
    return three[_PROJECTIONS.index(inner)].clone()
