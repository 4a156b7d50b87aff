"""A painter without weights, for fast tests of the code above the models.

engine = Engine(find=offering(FakePainter()))
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from depthpaint.formats.samples import Quantity
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.models.painter import Floats, ModelEntry, Painter, Runtime, UnknownWord
from depthpaint.plan import ModelHabits
from depthpaint.sampling.drive import Array
from depthpaint.sampling.levels import NoiseLevel


class FakePainter:
    """Implements `models.painter.Painter`; deterministic, the picture depends on prompt, depth and noise.

    `calls` counts each method. A word that starts with "x" is unknown; its nearest word is the rest of it.
    """

    def __init__(self, habits: ModelHabits = DIORAMA) -> None:
        self._habits = habits
        self.calls: Counter[str] = Counter()

    @property
    def habits(self) -> ModelHabits:
        """The model's habits."""
        return self._habits

    @property
    def weights_sha256(self) -> str:
        """The digest of an empty file."""
        return hashlib.sha256(b"").hexdigest()

    @property
    def runs_on(self) -> Mapping[str, str]:
        """Nowhere."""
        return {"device": "cpu", "precision": "float32"}

    @property
    def memory(self) -> int:
        """None."""
        return 0

    @property
    def notes(self) -> tuple[str, ...]:
        """None."""
        return ()

    def steadier(self) -> bool:
        """False: it already computes in float32."""
        return False

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """The words that start with "x"."""
        return tuple(UnknownWord(word, (word[1:],)) for word in prompt.split() if word.startswith("x"))

    def tokens_cut(self, prompt: str) -> int:
        """The number of words beyond 100."""
        return max(0, len(prompt.split()) - 100)

    def encode_text(self, prompt: str) -> object:
        """A number in [-1, 1) derived from the prompt."""
        self.calls["encode_text"] += 1
        return int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4], "big") / 2**31 - 1

    def begin(self, noise: Floats) -> Array:
        """The noise, unchanged."""
        return noise

    def encode(self, picture: Floats) -> Array:
        """The mean colours of each latent's patch in [-1, 1]; other channels are 0."""
        self.calls["encode"] += 1
        factor = self._habits.latent_factor
        height, width = (side // factor for side in picture.shape[:2])
        latents = np.zeros((1, self._habits.latent_channels, height, width), np.float32)
        colours = picture.reshape(height, factor, width, factor, 3).mean((1, 3), dtype=np.float32)
        latents[0, :3] = colours.transpose(2, 0, 1) * np.float32(2) - np.float32(1)
        return latents

    def prepare_control(self, hints: Mapping[str, Floats], known: Floats | None) -> object:
        """Mean depth of each latent's patch, (h, w), 0 where it is unknown."""
        self.calls["prepare_control"] += 1
        factor, depth = self._habits.latent_factor, hints["depth"]
        height, width = (side // factor for side in depth.shape)
        visible = depth if known is None else depth * known
        return visible.reshape(height, factor, width, factor).mean((1, 3), dtype=np.float32)

    def control(
        self,
        prepared: object,
        latents: Array,
        level: NoiseLevel,
        texts: Sequence[object],
        strengths: Mapping[str, float],
    ) -> object:
        """The patches' depth, scaled."""
        del latents, level, texts
        self.calls["control"] += 1
        return np.float32(strengths["depth"]) * cast("Floats", prepared)

    def predict(
        self, latents: Array, level: NoiseLevel, texts: Sequence[object], residuals: object | None
    ) -> tuple[Array, ...]:
        """Velocities that lead to depth in the first channel and the prompt's number in the second."""
        del level
        self.calls["predict"] += 1
        answers: list[Floats] = []
        for text in texts:
            target = np.float32(0.1) * cast("Floats", latents)
            if residuals is not None:
                target[:, 0] += cast("Floats", residuals)
            target[:, 1] += np.float32(cast("float", text))
            answers.append(-target)
        return tuple(answers)

    def decode(self, latents: Array) -> Floats:
        """The first three channels as colours, (H, W, 3)."""
        self.calls["decode"] += 1
        factor = self._habits.latent_factor
        picture = cast("Floats", latents)[0, :3].repeat(factor, axis=1).repeat(factor, axis=2)
        return picture.transpose(1, 2, 0) * np.float32(0.5) + np.float32(0.5)


def offering(painter: Painter) -> Callable[[ModelChoice], ModelEntry]:
    """A function for Engine's `find` that always returns `painter`."""

    def load(runtime: Runtime) -> Painter:
        del runtime
        return painter

    def find(choice: ModelChoice) -> ModelEntry:
        del choice
        return ModelEntry(painter.habits, load, "Apache-2.0", "A painter for tests.")

    return find


class FakeEstimator:
    """Implements `models.estimators.estimator.Estimator`: bright and low pixels are near.

    The digest of its weights is that of the name, or folder, under which it was loaded.
    """

    def __init__(self, name: str) -> None:
        self.name = Path(name).name
        self.revision = "0" * 40
        self.quantity: Quantity = "disparity"
        self.caution = ""
        self.weights_sha256 = hashlib.sha256(name.encode()).hexdigest()

    def estimate(self, picture: NDArray[np.uint8]) -> Floats:
        """Brightness plus the row, on an arbitrary scale."""
        rows = np.arange(len(picture), dtype=np.float32)[:, None]
        return picture.mean(axis=2, dtype=np.float32) + 3 * rows
