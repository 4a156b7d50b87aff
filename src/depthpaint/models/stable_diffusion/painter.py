"""Stable Diffusion as a Painter: diffusers' modules, driven step by step by the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import diffusers
import numpy as np
import torch
from torch import Tensor

from depthpaint.models.painter import Floats, UnknownWord
from depthpaint.models.stable_diffusion.control import DepthControl, Extras, Hint
from depthpaint.models.stable_diffusion.text import Text, TextEncoder, encode
from depthpaint.plan.habits import ModelHabits
from depthpaint.sampling.array import Array
from depthpaint.sampling.level import NoiseLevel


@dataclass(frozen=True, slots=True)
class Modules:
    """The loaded parts. `sizes_told` says whether the UNet is told picture sizes, as SDXL's is."""

    unet: Any
    vae: Any
    text: Sequence[TextEncoder]
    control: DepthControl
    weights_sha256: str
    sizes_told: bool = False
    empty_is_zero: bool = False


class StableDiffusion:
    """A Painter. Latents are float32 torch tensors on the UNet's device, whatever its own precision."""

    def __init__(self, habits: ModelHabits, modules: Modules) -> None:
        self._habits = habits
        self._modules = modules
        self._device, self._dtype = modules.unet.device, modules.unet.dtype

    @property
    def habits(self) -> ModelHabits:
        """What the model is used to."""
        return self._habits

    @property
    def weights_sha256(self) -> str:
        """Digest over the weights of all parts."""
        return self._modules.weights_sha256

    @property
    def runs_on(self) -> Mapping[str, str]:
        """Device, precision, and the versions of torch and diffusers."""
        device = torch.device(self._device)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return {
            "device": name,
            "precision": str(self._dtype).removeprefix("torch."),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
        }

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """None: its vocabulary is made of parts of words."""
        del prompt
        return ()

    def tokens_cut(self, prompt: str) -> int:
        """None: long sentences are heard in pieces."""
        del prompt
        return 0

    def encode_text(self, prompt: str) -> object:
        """A `Text`."""
        return encode(self._modules.text, prompt, empty_is_zero=self._modules.empty_is_zero)

    def begin(self, noise: Floats) -> Array:
        """As a tensor on the device."""
        return torch.from_numpy(noise).to(self._device)  # pyright: ignore[reportUnknownMemberType]

    @torch.inference_mode()
    def prepare_control(self, depth: Floats, known: Floats | None) -> object:
        """A `Hint`."""
        shown = self._tensor(depth)
        return self._modules.control.prepare(shown, None if known is None else self._tensor(known))

    @torch.inference_mode()
    def control(
        self, prepared: object, latents: Array, level: NoiseLevel, texts: Sequence[object], strength: float
    ) -> object:
        """`Extras` for the UNet."""
        text = Text.row(cast("Sequence[Text]", texts))
        seen = self._seen(latents, len(texts))
        hint = cast("Hint", prepared)
        timestep = self._timestep(level)
        return self._modules.control.at_step(hint, seen, timestep, text, self._added(text, seen), strength)

    @torch.inference_mode()
    def predict(
        self, latents: Array, level: NoiseLevel, texts: Sequence[object], residuals: object | None
    ) -> tuple[Array, ...]:
        """What the UNet predicts, (1, c, h, w) for each text."""
        text = Text.row(cast("Sequence[Text]", texts))
        seen = self._seen(latents, len(texts))
        extras = cast("Extras | None", residuals) or self._modules.control.silent(seen)
        added = self._added(text, seen)
        inputs = seen if extras.channels is None else torch.cat([seen, extras.channels], dim=1)
        output = self._modules.unet(
            inputs, self._timestep(level), encoder_hidden_states=text.words,
            added_cond_kwargs=added or None, return_dict=False, **extras.arguments,
        )[0]  # fmt: skip
        return output.float().split(1)

    @torch.inference_mode()
    def decode(self, latents: Array) -> Floats:
        """A picture (H, W, 3)."""
        vae = self._modules.vae
        scaled = cast("Tensor", latents) / vae.config.scaling_factor
        picture = vae.decode(scaled.to(vae.dtype), return_dict=False)[0][0].float()
        return (picture * 0.5 + 0.5).permute(1, 2, 0).cpu().numpy()

    def _tensor(self, values: Floats) -> Tensor:
        contiguous = np.ascontiguousarray(values)
        tensor = torch.from_numpy(contiguous)  # pyright: ignore[reportUnknownMemberType]
        return tensor[None, None].to(self._device, self._dtype)

    def _seen(self, latents: Array, count: int) -> Tensor:
        return cast("Tensor", latents).to(self._dtype).expand(count, -1, -1, -1)

    def _timestep(self, level: NoiseLevel) -> Tensor:
        return torch.tensor(level.timestep, device=self._device)

    def _added(self, text: Text, seen: Tensor) -> dict[str, Any]:
        """SDXL's further conditioning: the sentence as a whole, and sizes (Podell et al. 2307.01952)."""
        if not self._modules.sizes_told or text.pooled is None:
            return {}
        factor = self._habits.latent_factor
        height, width = seen.shape[-2] * factor, seen.shape[-1] * factor
        # Original size, crop from the top left, size asked for.
        sizes = torch.tensor([[height, width, 0, 0, height, width]], device=self._device, dtype=self._dtype)
        return {"text_embeds": text.pooled, "time_ids": sizes.expand(len(seen), -1)}
