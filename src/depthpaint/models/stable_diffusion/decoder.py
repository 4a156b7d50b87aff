"""From latents to a picture, whatever memory and precision allow."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from depthpaint.models.stable_diffusion.memory import Ladder, Rung


class Decoder:
    """The decoding half of an AutoencoderKL or AutoencoderTiny."""

    def __init__(self, vae: Any) -> None:
        self._vae = vae
        self._noted: list[str] = []
        tiles = Rung("the picture decoded in tiles", vae.enable_tiling)
        away = Rung("the picture decoded on the CPU", lambda: vae.to("cpu", torch.float32))
        self._ladder = Ladder([tiles, away] if vae.device.type != "cpu" else [tiles])

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done for lack of range."""
        return tuple(self._noted)

    @property
    def saved(self) -> list[str]:
        """What was done for lack of memory."""
        return self._ladder.taken

    def steady(self) -> None:
        """Compute in float32 from now on."""
        self._vae.to(dtype=torch.float32)

    def decode(self, latents: Tensor) -> Tensor:
        """A picture (3, H, W) in about [-1, 1] from latents (1, c, h, w); NaN only where latents are."""
        picture = self._ladder.run(lambda: self._decoded(latents))
        kind = self._vae.dtype
        if kind != torch.float32 and not torch.isfinite(picture).all() and torch.isfinite(latents).all():
            self._noted.append(
                f"decoded again in float32: in {str(kind).removeprefix('torch.')} the colours overflowed"
            )
            self.steady()
            picture = self._ladder.run(lambda: self._decoded(latents))
        return picture

    def _decoded(self, latents: Tensor) -> Tensor:
        vae = self._vae
        scaled = (latents / vae.config.scaling_factor).to(vae.device, vae.dtype)
        return vae.decode(scaled, return_dict=False)[0][0].float()
