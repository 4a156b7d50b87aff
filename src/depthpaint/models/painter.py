"""What the engine asks of a model: five calls, whatever runs behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from depthpaint.plan.habits import ModelHabits

Floats = NDArray[np.float32]
Residuals = tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """A word that a model never learned, with the nearest ones that it knows (best first, possibly none)."""

    word: str
    nearest: tuple[str, ...]


class Painter(Protocol):
    """A loaded model. Arrays are float32; B pictures or guidance branches at once.

    Text is (B, T, C); latents (B, c, h, w), variance-preserving; depth (B, H, W) in [0, 1], 1 = nearest.
    """

    @property
    def habits(self) -> ModelHabits:
        """What the model is used to."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Digest of the weights that are loaded, hexadecimal."""
        ...

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """The words of `prompt` that mean nothing to this model."""
        ...

    def tokens_cut(self, prompt: str) -> int:
        """How many tokens of `prompt` are beyond what this model can hear."""
        ...

    def encode_text(self, prompts: Sequence[str]) -> Floats:
        """Turn sentences into conditioning, (B, T, C)."""
        ...

    def prepare_control(self, depth: Floats) -> object:
        """Do once a picture what depth control needs no latents for.

        For a control network that is the hint embedding, for an adapter all of it.
        """
        ...

    def control(
        self, prepared: object, latents: Floats, timestep: float, text: Floats, strength: float
    ) -> Residuals:
        """What depth adds to the network at one step; called only inside the control window."""
        ...

    def predict(self, latents: Floats, timestep: float, text: Floats, residuals: Residuals | None) -> Floats:
        """Run the denoising network on (B, c, h, w); `residuals` is None where depth has no say."""
        ...

    def decode(self, latents: Floats) -> Floats:
        """Turn latents into pictures, (B, H, W, 3), clipped to [0, 1]."""
        ...
