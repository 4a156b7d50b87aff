"""diorama in ONNX Runtime: four graphs that share one weights file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import cast

import numpy as np
from PIL import Image

from depthpaint.depth.hints import relief_of
from depthpaint.models.diorama.files import GRAPHS, DioramaFiles, open_files
from depthpaint.models.diorama.habits import Vocabulary
from depthpaint.models.onnx_session import OnnxSession, start_session
from depthpaint.models.painter import Floats, UnknownWord
from depthpaint.plan import ModelHabits
from depthpaint.sampling.drive import Array
from depthpaint.sampling.levels import NoiseLevel

Features = tuple[Floats, ...]


class Diorama:
    """The built-in Painter."""

    def __init__(self, habits: ModelHabits, files: DioramaFiles | None = None, threads: int = 0) -> None:
        self._habits = habits
        self._files = files or open_files()
        self._threads = threads
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

    @property
    def runs_on(self) -> Mapping[str, str]:
        """The CPU, in float32; the version of ONNX Runtime is in every record."""
        return {"device": "cpu", "precision": "float32"}

    @property
    def notes(self) -> tuple[str, ...]:
        """None."""
        return ()

    def steadier(self) -> bool:
        """It computes in float32 already."""
        return False

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words it knows."""
        return Vocabulary(self._files.tokenizer)

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """The words of `prompt` that it never learned."""
        return self.vocabulary.unknown_words(prompt)

    def tokens_cut(self, prompt: str) -> int:
        """How many tokens of `prompt` do not fit."""
        return self.vocabulary.too_long(prompt)

    def encode_text(self, prompt: str) -> object:
        """(1, T, C)."""
        tokens = np.array([self.vocabulary.encode(prompt)], dtype=np.int64)
        return self._run("text_encoder", {"tokens": tokens})[0]

    def begin(self, noise: Floats) -> Array:
        """As it is."""
        return noise

    def prepare_control(self, hints: Mapping[str, Floats], known: Floats | None) -> object:
        """Run the adapter, which never looks at the latents: once a picture."""
        features = self._run("adapter", {"relief": relief_of(hints["depth"])[None]})
        return features if known is None else tuple(where_known(feature, known) for feature in features)

    def control(
        self,
        prepared: object,
        latents: Array,
        level: NoiseLevel,
        texts: Sequence[object],
        strengths: Mapping[str, float],
    ) -> object:
        """The adapter's features, scaled; the same at every step."""
        del latents, level, texts
        return tuple(np.float32(strengths["depth"]) * feature for feature in cast("Features", prepared))

    def predict(
        self, latents: Array, level: NoiseLevel, texts: Sequence[object], residuals: object | None
    ) -> tuple[Array, ...]:
        """The velocities (1, 16, h, w)."""
        count, height, width = len(texts), *latents.shape[2:]
        if residuals is None:
            channels = cast("list[int]", self._files.configurations["unet"]["block_out_channels"])
            residuals = tuple(
                np.zeros((1, c, height >> scale, width >> scale), np.float32)
                for scale, c in enumerate(channels)
            )
        inputs = {
            "latents": np.repeat(cast("Floats", latents), count, axis=0),
            "timestep": np.full(count, level.timestep, np.float32),
            "text": np.concatenate([cast("Floats", text) for text in texts]),
        }
        for scale, feature in enumerate(cast("Features", residuals)):
            inputs[f"control_{scale}"] = np.repeat(feature, count, axis=0)
        output = self._run("unet", inputs)[0]
        return tuple(output[k : k + 1] for k in range(count))

    def decode(self, latents: Array) -> Floats:
        """A picture (H, W, 3)."""
        picture = self._run("decoder", {"latents": cast("Floats", latents)})[0][0]
        return picture.transpose(1, 2, 0) * np.float32(0.5) + np.float32(0.5)

    def _run(self, name: str, inputs: Mapping[str, np.ndarray]) -> Features:
        contiguous = {key: np.ascontiguousarray(value) for key, value in inputs.items()}
        return tuple(cast("list[Floats]", self._sessions[name].run(None, contiguous)))

    def _start(self, name: str) -> OnnxSession:
        return start_session(self._files.graph(name), self._threads)


def where_known(feature: Floats, known: Floats) -> Floats:
    """Take away from `feature` (1, C, h, w) what depth says of places where nobody knows it (H, W)."""
    height, width = feature.shape[-2:]
    share = Image.fromarray(known).resize((width, height), Image.Resampling.BOX)
    return feature * np.asarray(share)
