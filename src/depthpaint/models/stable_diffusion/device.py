"""Where a Stable Diffusion computes, what is done when memory runs out, and decoding of latents."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from depthpaint.core.errors import ErrorCode, OutOfMemory, ParameterError, PictureRefused, is_shortage_alone
from depthpaint.models.painter import Device, Floats, Precision

_TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
BF16_FROM = (8, 0)
"""CUDA compute capability that multiplies in bfloat16 (Ampere); older cards do in float16 alone."""


def chosen_device(asked: Device) -> str:
    """The device's name for torch. Raises ParameterError where the one asked for is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if not there[asked]:
        raise ParameterError(
            f"torch {torch.__version__} finds no {asked} device here",
            code=ErrorCode.INVALID_PARAMETER,
            remedy=f"choose --device {' or '.join(name for name, is_there in there.items() if is_there)}, "
            "or install the torch that is built for the device",
            value=asked,
        )
    return asked


def chosen_precision(asked: Precision, device: str) -> torch.dtype:
    """The type of the networks' numbers; `auto` is what the device multiplies fastest."""
    if asked != "auto":
        return _TYPES[asked]
    if device == "cpu":
        return torch.float32
    if device == "cuda" and torch.cuda.get_device_capability() >= BF16_FROM:
        return torch.bfloat16
    return torch.float16


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to need less memory: what a person is told of it, and what is done."""

    told: str
    take: Callable[[], object]


@dataclass(slots=True)
class Ladder:
    """Rungs from the cheapest to the slowest. Each is taken once, and stays taken."""

    rungs: Sequence[Rung]
    taken: list[str] = field(default_factory=list[str])

    def run(self, work: Callable[[], T]) -> T:
        """Do `work`, from a higher rung each time memory runs out. Raises OutOfMemory from the last one."""
        while True:
            try:
                return work()
            # torch raises a RuntimeError where a CPU's memory ends.
            except RuntimeError as error:
                if not is_shortage_alone(error):
                    raise
                self._climb(error)

    def _climb(self, error: RuntimeError) -> None:
        if len(self.taken) == len(self.rungs):
            raise OutOfMemory(
                f"there is not enough memory to paint, even with {', '.join(self.taken) or 'nothing saved'}",
                code=ErrorCode.OUT_OF_MEMORY,
                remedy="make the picture smaller with --size, or take --precision bf16 or a smaller --model",
            ) from error
        rung = self.rungs[len(self.taken)]
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        rung.take()
        self.taken.append(rung.told)


class SafetyChecker:
    """Looks at finished pictures. It changes none, so its weights are not among those that paint."""

    def __init__(self, network: Any, image_processor: Any) -> None:
        self._network, self._image_processor = network, image_processor
        # It would tell of a black picture in the place of the refused one; there is none.
        logging.getLogger(type(network).__module__).setLevel(logging.ERROR)

    @torch.inference_mode()
    def require_safe(self, picture: Floats) -> None:
        """Raise PictureRefused for a picture (H, W, 3) in about [0, 1] that the network takes for unsafe.

        One that is not finite shows nothing yet, and passes.
        """
        if not np.isfinite(picture).all():
            return
        pixels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        seen = self._image_processor([pixels], return_tensors="pt").pixel_values
        network = self._network
        # What it would paint black is handed in as nothing.
        _, unsafe = network(clip_input=seen.to(network.device, network.dtype), images=[np.zeros((1, 1, 3))])
        if unsafe[0]:
            raise PictureRefused(
                "the model's safety checker refuses the picture, and it is not saved",
                code=ErrorCode.PICTURE_REFUSED,
                remedy="take another --seed, or another sentence",
            )


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
