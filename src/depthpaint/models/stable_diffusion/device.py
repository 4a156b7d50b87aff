"""The device of a Stable Diffusion, saving memory, the safety checker, and decoding of latents."""

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
"""CUDA compute capability with bfloat16 (Ampere); older cards use float16."""


def chosen_device(requested: Device) -> str:
    """The device's name for torch. Raises ParameterError if it is not available."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if requested == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if not there[requested]:
        raise ParameterError(
            f"torch {torch.__version__} finds no {requested} device here",
            code=ErrorCode.INVALID_PARAMETER,
            remedy=f"choose --device {' or '.join(name for name, is_there in there.items() if is_there)}, "
            "or install the torch that is built for the device",
            value=requested,
        )
    return requested


def what_torch_finds() -> tuple[str, str]:
    """The device that `auto` takes, as torch names it, and a sentence about it and the build of torch."""
    device = chosen_device("auto")
    if device == "cuda":
        return device, f"torch {torch.__version__}: Stable Diffusion paints on {torch.cuda.get_device_name()}"
    if device == "mps":
        return device, f"torch {torch.__version__}: Stable Diffusion paints on the GPU of this Mac"
    build = torch.version.cuda or torch.version.hip
    why = "no GPU that it can use" if build else "no GPU, because this build of torch is for the CPU only"
    return device, f"torch {torch.__version__} finds {why}: Stable Diffusion paints on the CPU, in minutes"


def chosen_precision(requested: Precision, device: str) -> torch.dtype:
    """The type of the networks' numbers; `auto` is the fastest on the device."""
    if requested != "auto":
        return _TYPES[requested]
    if device == "cpu":
        return torch.float32
    if device == "cuda" and torch.cuda.get_device_capability() >= BF16_FROM:
        return torch.bfloat16
    return torch.float16


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rung:
    """One measure to save memory: its description for users, and the action."""

    description: str
    take: Callable[[], object]


@dataclass(slots=True)
class Ladder:
    """Measures from the cheapest to the slowest. Each is taken once, and stays in effect."""

    rungs: Sequence[Rung]
    taken: list[str] = field(default_factory=list[str])

    def run(self, work: Callable[[], T]) -> T:
        """Run `work`, with a further measure each time memory runs out. Raises OutOfMemory after the last."""
        while True:
            try:
                return work()
            # torch raises a RuntimeError if a CPU's memory is exhausted.
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
        self.taken.append(rung.description)


class SafetyChecker:
    """Checks finished pictures. It does not change them, so its weights do not count as painting weights."""

    def __init__(self, network: Any, image_processor: Any) -> None:
        self._network, self._image_processor = network, image_processor
        # It would log that it returned a black picture, which does not happen here.
        logging.getLogger(type(network).__module__).setLevel(logging.ERROR)

    @torch.inference_mode()
    def require_safe(self, picture: Floats) -> None:
        """Raise PictureRefused if the network classifies a picture (H, W, 3) in about [0, 1] as unsafe.

        A picture that is not finite yet passes.
        """
        if not np.isfinite(picture).all():
            return
        pixels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        inputs = self._image_processor([pixels], return_tensors="pt").pixel_values
        network = self._network
        # It would black out unsafe pictures in place, so it is given a dummy.
        _, unsafe = network(clip_input=inputs.to(network.device, network.dtype), images=[np.zeros((1, 1, 3))])
        if unsafe[0]:
            raise PictureRefused(
                "the model's safety checker rejected the picture, and it is not saved",
                code=ErrorCode.PICTURE_REFUSED,
                remedy="try another --seed or another prompt",
            )


class Autoencoder:
    """An AutoencoderKL or AutoencoderTiny."""

    def __init__(self, vae: Any) -> None:
        self._vae = vae
        self._noted: list[str] = []
        tiles = Rung("the picture decoded in tiles", vae.enable_tiling)
        away = Rung("the picture decoded on the CPU", lambda: vae.to("cpu", torch.float32))
        self._ladder = Ladder([tiles, away] if vae.device.type != "cpu" else [tiles])

    @property
    def notes(self) -> tuple[str, ...]:
        """Measures taken because of overflows."""
        return tuple(self._noted)

    @property
    def saved(self) -> list[str]:
        """Measures taken to save memory."""
        return self._ladder.taken

    def steady(self) -> None:
        """Switch to float32."""
        self._vae.to(dtype=torch.float32)

    def encode(self, picture: Tensor) -> Tensor:
        """Latents (1, c, h, w), float32, from a picture (1, 3, H, W) in [-1, 1]: the mode."""
        return self._steadily(self._encoded, picture, "encoded")

    def _encoded(self, picture: Tensor) -> Tensor:
        vae = self._vae
        code = vae.encode(picture.to(vae.device, vae.dtype))
        clean = code.latents if hasattr(code, "latents") else code.latent_dist.mode()
        return clean.float() * vae.config.scaling_factor

    def decode(self, latents: Tensor) -> Tensor:
        """A picture (3, H, W) in about [-1, 1] from latents (1, c, h, w); NaN only where latents are."""
        return self._steadily(self._decoded, latents, "decoded")

    def _steadily(self, work: Callable[[Tensor], Tensor], given: Tensor, done: str) -> Tensor:
        """What `work` makes of a tensor; in float32 if numbers overflow in the autoencoder's own type."""
        made = self._ladder.run(lambda: work(given))
        kind = self._vae.dtype
        if kind != torch.float32 and not torch.isfinite(made).all() and torch.isfinite(given).all():
            self._noted.append(
                f"{done} again in float32: in {str(kind).removeprefix('torch.')} the colours overflowed"
            )
            self.steady()
            made = self._ladder.run(lambda: work(given))
        return made

    def _decoded(self, latents: Tensor) -> Tensor:
        vae = self._vae
        scaled = (latents / vae.config.scaling_factor).to(vae.device, vae.dtype)
        return vae.decode(scaled, return_dict=False)[0][0].float()
