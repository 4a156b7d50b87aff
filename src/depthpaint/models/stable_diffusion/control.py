"""Ways to control a Stable Diffusion by depth: ControlNet, union network, adapter, fifth channel."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthpaint.depth.hints import CHANNELS, relief_of
from depthpaint.models.stable_diffusion.text import Text


@dataclass(frozen=True, slots=True)
class Extras:
    """Inputs of a UNet step besides latents and text: keyword arguments, and more input channels."""

    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    channels: Tensor | None = None

    def __add__(self, other: Extras) -> Extras:
        """Both combined: values for the same place are summed."""
        arguments = dict(self.arguments)
        for name, value in other.arguments.items():
            if name not in arguments:
                arguments[name] = value
            elif isinstance(value, list):
                arguments[name] = [mine + its for mine, its in zip(arguments[name], value, strict=True)]
            else:
                arguments[name] = arguments[name] + value
        return Extras(arguments, self.channels if other.channels is None else other.channels)

    def row(self, number: int) -> Extras:
        """The part for one branch of guidance."""
        one = slice(number, number + 1)
        arguments = {
            name: [each[one] for each in value] if isinstance(value, list) else value[one]
            for name, value in self.arguments.items()
        }
        return Extras(arguments, None if self.channels is None else self.channels[one])


@dataclass(frozen=True, slots=True)
class Hint:
    """A hint prepared once per picture; `known` (1, 1, H, W), or None if depth is known everywhere."""

    values: Any
    known: Tensor | None


class DepthControl(Protocol):
    """One way of control. `latents` are (B, c, h, w) as the UNet gets them, B branches of guidance."""

    def to(self, *, dtype: torch.dtype) -> None:
        """Change the precision."""
        ...

    def prepare(self, depth: Tensor, known: Tensor | None) -> Hint:
        """The part independent of latents: `depth` (1, 1, H, W) or colours (1, 3, H, W), in [0, 1]."""
        ...

    def at_step(
        self,
        hint: Hint,
        latents: Tensor,
        timestep: Tensor,
        text: Text,
        added: dict[str, Any],
        strength: float,
    ) -> Extras:
        """The contribution of depth to one step."""
        ...

    def inactive(self, latents: Tensor) -> Extras:
        """What replaces the contribution when the control is off."""
        ...


class ControlNetwork:
    """A ControlNet (Zhang et al. 2302.05543). Its hint is embedded once per picture, not at every step."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._embedding: nn.Module = network.controlnet_cond_embedding
        # The forward pass embeds its input, which here is already embedded.
        network.controlnet_cond_embedding = nn.Identity()

    def to(self, *, dtype: torch.dtype) -> None:
        """Convert the network and the embedding that was split off it."""
        self._network.to(dtype=dtype)
        self._embedding.to(dtype=dtype)

    def prepare(self, depth: Tensor, known: Tensor | None) -> Hint:
        """The embedded hint, (1, C, h, w)."""
        return Hint(self._embedding(depth.expand(-1, 3, -1, -1)), known)

    def at_step(
        self,
        hint: Hint,
        latents: Tensor,
        timestep: Tensor,
        text: Text,
        added: dict[str, Any],
        strength: float,
    ) -> Extras:
        """Residuals for the UNet's skips and middle, scaled by `strength`."""
        down, middle = self._network(
            latents, timestep, encoder_hidden_states=text.words, conditioning_scale=strength,
            added_cond_kwargs=added or None, return_dict=False,
            **self._shown(hint.values.to(latents.dtype).expand(len(latents), -1, -1, -1)),
        )  # fmt: skip
        return Extras({
            "down_block_additional_residuals": [_where_known(each, hint.known) for each in down],
            "mid_block_additional_residual": _where_known(middle, hint.known),
        })  # fmt: skip

    def _shown(self, hint: Tensor) -> dict[str, Any]:
        """The arguments for the embedded hint (B, C, h, w)."""
        return {"controlnet_cond": hint}

    def inactive(self, latents: Tensor) -> Extras:
        """Nothing."""
        del latents
        return Extras()


class Adapter:
    """A T2I-Adapter (Mou et al. 2302.08453): independent of the latents, it runs once per picture."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def to(self, *, dtype: torch.dtype) -> None:
        """Convert the network."""
        self._network.to(dtype=dtype)

    def prepare(self, depth: Tensor, known: Tensor | None) -> Hint:
        """Features for each level of the UNet; an adapter of as many channels as diorama's sees relief."""
        channels = int(self._network.config.in_channels)
        if channels == CHANNELS:
            relief = torch.from_numpy(relief_of(depth[0, 0].float().cpu().numpy()))
            seen = relief[None].to(depth)
        else:
            seen = depth.expand(-1, channels, -1, -1)
        features = self._network(seen)
        return Hint([_where_known(feature, known) for feature in features], None)

    def at_step(
        self,
        hint: Hint,
        latents: Tensor,
        timestep: Tensor,
        text: Text,
        added: dict[str, Any],
        strength: float,
    ) -> Extras:
        """The features, scaled by `strength`."""
        del timestep, text, added
        scaled = [
            (strength * feature.to(latents.dtype)).expand(len(latents), -1, -1, -1) for feature in hint.values
        ]
        return Extras({"down_intrablock_additional_residuals": scaled})

    def inactive(self, latents: Tensor) -> Extras:
        """Nothing."""
        del latents
        return Extras()


class DepthChannel:
    """SD 2 depth: depth is a fifth channel of the latents, from -1, farthest, to 1."""

    def __init__(self, latent_factor: int) -> None:
        self._factor = latent_factor

    def to(self, *, dtype: torch.dtype) -> None:
        """Nothing to convert."""

    def prepare(self, depth: Tensor, known: Tensor | None) -> Hint:
        """Depth at the size of the latents, stretched to [-1, 1], 0 where it is unknown."""
        size = (depth.shape[-2] // self._factor, depth.shape[-1] // self._factor)
        small = functional.interpolate(depth, size=size, mode="bicubic", align_corners=False)
        low, high = torch.aminmax(small)
        spread = high - low
        stretched = 2 * (small - low) / spread - 1 if spread > 0 else torch.zeros_like(small)
        return Hint(_where_known(stretched, known), None)

    def at_step(
        self,
        hint: Hint,
        latents: Tensor,
        timestep: Tensor,
        text: Text,
        added: dict[str, Any],
        strength: float,
    ) -> Extras:
        """The channel, its contrast scaled by `strength`."""
        del timestep, text, added
        return Extras(channels=(strength * hint.values.to(latents.dtype)).expand(len(latents), -1, -1, -1))

    def inactive(self, latents: Tensor) -> Extras:
        """A constant channel, because the network requires one."""
        return Extras(channels=torch.zeros_like(latents[:, :1]))


def _where_known(feature: Tensor, known: Tensor | None) -> Tensor:
    if known is None:
        return feature
    share = functional.adaptive_avg_pool2d(known, (feature.shape[-2], feature.shape[-1]))
    return feature * share.to(feature.dtype)


CLASS = "ControlNetUnionModel"
MODES = {"depth": 1, "canny": 3, "normal": 4}
"""The union's numbers of hint kinds: 0 is pose, 2 sketch, 5 segmentation, 6 and 7 are tiles of "promax"."""


def is_union(configuration: Mapping[str, Any]) -> bool:
    """Whether a config.json describes a union network, whatever class wrote it."""
    return configuration.get("_class_name") == CLASS or "num_control_type" in configuration


class UnionNetwork(ControlNetwork):
    """A union network used for one `kind` of hint: a key of MODES."""

    def __init__(self, network: Any, kind: str) -> None:
        super().__init__(network)
        self._mode = MODES[kind]
        self._modes = int(network.config.num_control_type)

    def for_kind(self, kind: str) -> UnionNetwork:
        """The same network, in memory once, for another kind of hint."""
        other = copy.copy(self)
        other._mode = MODES[kind]
        return other

    def _shown(self, hint: Tensor) -> dict[str, Any]:
        selected = torch.zeros((len(hint), self._modes), device=hint.device, dtype=hint.dtype)
        selected[:, self._mode] = 1
        return {"controlnet_cond": [hint], "control_type": selected, "control_type_idx": [self._mode]}
