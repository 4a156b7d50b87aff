"""diorama in ONNX Runtime: four graphs that share one weights file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, cast

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

from depthpaint.models.diorama.files import DioramaFiles, open_files
from depthpaint.models.diorama.vocabulary import Vocabulary
from depthpaint.models.painter import Floats, Residuals, UnknownWord
from depthpaint.plan.habits import ModelHabits

GRAPHS: tuple[str, ...] = ("text_encoder", "adapter", "unet", "decoder")


class Diorama:
    """The built-in Painter."""

    def __init__(self, habits: ModelHabits, files: DioramaFiles | None = None) -> None:
        self._habits = habits
        self._files = files or open_files()
        # Sessions start side by side and all at once, so that "load" is what loading costs.
        with ThreadPoolExecutor(len(GRAPHS)) as pool:
            self._sessions = dict(zip(GRAPHS, pool.map(self._start, GRAPHS), strict=True))

    @property
    def habits(self) -> ModelHabits:
        """What the model is used to."""
        return self._habits

    @property
    def weights_sha256(self) -> str:
        """Digest of diorama.safetensors."""
        return self._files.weights_sha256

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words it knows."""
        return Vocabulary(self._files.folder / "tokenizer.json")

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """The words of `prompt` that it never learned."""
        return self.vocabulary.unknown_words(prompt)

    def tokens_cut(self, prompt: str) -> int:
        """How many tokens of `prompt` do not fit."""
        return self.vocabulary.too_long(prompt)

    def encode_text(self, prompts: Sequence[str]) -> Floats:
        """(B, T, C) from B sentences."""
        tokens = np.array([self.vocabulary.encode(prompt) for prompt in prompts], dtype=np.int64)
        return self._run("text_encoder", {"tokens": tokens})[0]

    def prepare_control(self, depth: Floats) -> object:
        """Run the adapter, which never looks at the latents: once a picture. `depth` is (B, H, W)."""
        return self._run("adapter", {"depth": np.ascontiguousarray(depth[:, None], dtype=np.float32)})

    def control(
        self, prepared: object, latents: Floats, timestep: float, text: Floats, strength: float
    ) -> Residuals:
        """The adapter's features, scaled; the same at every step."""
        del timestep, text
        features = cast("Residuals", prepared)
        return tuple(np.float32(strength) * np.repeat(f, len(latents) // len(f), axis=0) for f in features)

    def predict(self, latents: Floats, timestep: float, text: Floats, residuals: Residuals | None) -> Floats:
        """The velocity (B, 16, h, w)."""
        count, _, height, width = latents.shape
        if residuals is None:
            channels = cast("list[int]", self._files.configurations["unet"]["block_out_channels"])
            residuals = tuple(
                np.zeros((count, c, height >> level, width >> level), np.float32)
                for level, c in enumerate(channels)
            )
        inputs = {"latents": latents, "timestep": np.full(count, timestep, np.float32), "text": text}
        inputs |= {f"control_{level}": feature for level, feature in enumerate(residuals)}
        return self._run("unet", inputs)[0]

    def decode(self, latents: Floats) -> Floats:
        """Pictures (B, H, W, 3) in [0, 1]."""
        picture = self._run("decoder", {"latents": latents})[0]
        return np.clip(picture.transpose(0, 2, 3, 1) * 0.5 + 0.5, 0, 1)

    def _run(self, name: str, inputs: Mapping[str, np.ndarray]) -> Residuals:
        contiguous = {key: np.ascontiguousarray(value) for key, value in inputs.items()}
        outputs = cast("list[Floats]", self._sessions[name].run(None, contiguous))  # pyright: ignore[reportUnknownMemberType]
        return tuple(outputs)

    def _start(self, name: str) -> onnxruntime.InferenceSession:
        options = cast("Any", onnxruntime).SessionOptions()
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            str(self._files.graph(name)), options, providers=["CPUExecutionProvider"]
        )
