"""A painter without weights: what stands above the model is tested with it, in milliseconds.

engine = Engine(load=lambda name: FakePainter())
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from depthpaint.models.painter import Floats, Residuals, UnknownWord
from depthpaint.models.registry import DIORAMA
from depthpaint.plan.habits import ModelHabits


class FakePainter:
    """Fulfils `models.painter.Painter`; deterministic, and its picture depends on words, depth and noise.

    `calls` counts each method. A word that starts with "x" is unknown; its nearest word is the rest of it.
    """

    def __init__(self, habits: ModelHabits = DIORAMA) -> None:
        self._habits = habits
        self.calls: Counter[str] = Counter()

    @property
    def habits(self) -> ModelHabits:
        """What the model is used to."""
        return self._habits

    @property
    def weights_sha256(self) -> str:
        """The digest of nothing."""
        return hashlib.sha256(b"").hexdigest()

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """The words that start with "x"."""
        return tuple(UnknownWord(word, (word[1:],)) for word in prompt.split() if word.startswith("x"))

    def tokens_cut(self, prompt: str) -> int:
        """What exceeds 100 words."""
        return max(0, len(prompt.split()) - 100)

    def encode_text(self, prompts: Sequence[str]) -> Floats:
        """(B, 1, 1): a number in [-1, 1) for each sentence."""
        self.calls["encode_text"] += 1
        codes = [int.from_bytes(hashlib.sha256(p.encode()).digest()[:4], "big") / 2**31 - 1 for p in prompts]
        return np.array(codes, dtype=np.float32)[:, None, None]

    def prepare_control(self, depth: Floats) -> object:
        """Mean depth of each latent's patch, (B, 1, h, w)."""
        self.calls["prepare_control"] += 1
        count, height, width = depth.shape
        factor = self._habits.latent_factor
        patches = depth.reshape(count, height // factor, factor, width // factor, factor)
        return patches.mean((2, 4), dtype=np.float32)[:, None]

    def control(
        self, prepared: object, latents: Floats, timestep: float, text: Floats, strength: float
    ) -> Residuals:
        """The patches' depth, scaled."""
        del timestep, text
        self.calls["control"] += 1
        patches = cast("Floats", prepared)
        return (np.float32(strength) * np.repeat(patches, len(latents) // len(patches), axis=0),)

    def predict(self, latents: Floats, timestep: float, text: Floats, residuals: Residuals | None) -> Floats:
        """A velocity that leads to depth in the first channel and the sentence's number in the second."""
        del timestep
        self.calls["predict"] += 1
        target = 0.1 * latents
        if residuals is not None:
            target[:, :1] += residuals[0]
        target[:, 1:2] += text[:, :, :, None]
        return -target

    def decode(self, latents: Floats) -> Floats:
        """The first three channels as colours, (B, H, W, 3) in [0, 1]."""
        self.calls["decode"] += 1
        factor = self._habits.latent_factor
        picture = latents[:, :3].repeat(factor, axis=2).repeat(factor, axis=3).transpose(0, 2, 3, 1)
        return np.clip(picture * 0.5 + 0.5, 0, 1)


class FakeEstimator:
    """Fulfils `models.estimators.estimator.Estimator`: what is bright and low is near."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.weights_sha256 = hashlib.sha256(name.encode()).hexdigest()

    def estimate(self, picture: NDArray[np.uint8]) -> Floats:
        """Brightness plus the row, on a scale of its own."""
        rows = np.arange(len(picture), dtype=np.float32)[:, None]
        return picture.mean(axis=2, dtype=np.float32) + 3 * rows
