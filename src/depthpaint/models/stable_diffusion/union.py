"""Many control networks in one, which is told what it sees (diffusers' ControlNetUnionModel)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from depthpaint.models.stable_diffusion.control import ControlNetwork

CLASS = "ControlNetUnionModel"
MODES = {"depth": 1, "canny": 3, "normal": 4}
"""Its numbers for what we show: 0 are poses, 2 drawn lines, 5 segments, 6 and 7 the tiles of "promax"."""


def is_union(configuration: Mapping[str, Any]) -> bool:
    """Whether a config.json is that of a union, whatever class wrote it."""
    return configuration.get("_class_name") == CLASS or "num_control_type" in configuration


class UnionNetwork(ControlNetwork):
    """One of the union's ways to see, by the `kind` of what it is shown: a key of MODES."""

    def __init__(self, network: Any, kind: str) -> None:
        super().__init__(network)
        self._mode = MODES[kind]
        self._modes = int(network.config.num_control_type)

    def seeing(self, kind: str) -> UnionNetwork:
        """The same network, in memory once, shown something else."""
        other = copy.copy(self)
        other._mode = MODES[kind]
        return other

    def _shown(self, hint: Tensor) -> dict[str, Any]:
        asked = torch.zeros((len(hint), self._modes), device=hint.device, dtype=hint.dtype)
        asked[:, self._mode] = 1
        return {"controlnet_cond": [hint], "control_type": asked, "control_type_idx": [self._mode]}
