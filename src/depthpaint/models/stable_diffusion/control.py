"""How depth reaches a Stable Diffusion: control network, union of them, adapter, fifth channel."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthpaint.models.stable_diffusion.text import Text


@dataclass(frozen=True, slots=True)
class Extras:
    """What a step of the UNet gets besides latents and text: keyword arguments, and more input channels."""

    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    channels: Tensor | None = None

    def __add__(self, other: Extras) -> Extras:
        """Both: what they add to the same place is summed."""
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
        """What belongs to one branch of guidance alone."""
        one = slice(number, number + 1)
        arguments = {
            name: [each[one] for each in value] if isinstance(value, list) else value[one]
            for name, value in self.arguments.items()
        }
        return Extras(arguments, None if self.channels is None else self.channels[one])


@dataclass(frozen=True, slots=True)
class Hint:
    """What is prepared once a picture; `known` (1, 1, H, W) or None where depth is known everywhere."""

    values: Any
    known: Tensor | None


class DepthControl(Protocol):
    """One way. `latents` are (B, c, h, w) as the UNet sees them, B branches of guidance."""

    def to(self, *, dtype: torch.dtype) -> None:
        """Compute in another precision from now on."""
        ...

    def prepare(self, depth: Tensor, known: Tensor | None) -> Hint:
        """What needs no latents, once a picture: `depth` (1, 1, H, W) or colours (1, 3, H, W), in [0, 1]."""
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
        """What depth adds at one step."""
        ...

    def silent(self, latents: Tensor) -> Extras:
        """What stands in its place where depth has no say."""
        ...


class ControlNetwork:
    """A ControlNet (Zhang et al. 2302.05543). Its hint is embedded once a picture and not at every step."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._embedding: nn.Module = network.controlnet_cond_embedding
        # The forward pass embeds whatever it is given; what it is given here is embedded already.
        network.controlnet_cond_embedding = nn.Identity()

    def to(self, *, dtype: torch.dtype) -> None:
        """The network and the embedding that was taken out of it."""
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
        """Residuals of the UNet's skips and middle, scaled by `strength`."""
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
        """How the network takes the embedded hint (B, C, h, w)."""
        return {"controlnet_cond": hint}

    def silent(self, latents: Tensor) -> Extras:
        """Nothing."""
        del latents
        return Extras()


class Adapter:
    """A T2I-Adapter (Mou et al. 2302.08453): it never looks at the latents and runs once a picture."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def to(self, *, dtype: torch.dtype) -> None:
        """The network."""
        self._network.to(dtype=dtype)

    def prepare(self, depth: Tensor, known: Tensor | None) -> Hint:
        """Features for each level of the UNet."""
        channels = int(self._network.config.in_channels)
        features = self._network(depth.expand(-1, channels, -1, -1))
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

    def silent(self, latents: Tensor) -> Extras:
        """Nothing."""
        del latents
        return Extras()


class DepthChannel:
    """SD 2 depth: depth is a fifth channel of the latents, from -1, farthest, to 1."""

    def __init__(self, latent_factor: int) -> None:
        self._factor = latent_factor

    def to(self, *, dtype: torch.dtype) -> None:
        """There is nothing to convert."""

    def prepare(self, depth: Tensor, known: Tensor | None) -> Hint:
        """Depth at the size of the latents, stretched to [-1, 1], 0 where it is not known."""
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

    def silent(self, latents: Tensor) -> Extras:
        """A flat channel: the network cannot do without one."""
        return Extras(channels=torch.zeros_like(latents[:, :1]))


def _where_known(feature: Tensor, known: Tensor | None) -> Tensor:
    if known is None:
        return feature
    share = functional.adaptive_avg_pool2d(known, (feature.shape[-2], feature.shape[-1]))
    return feature * share.to(feature.dtype)


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
