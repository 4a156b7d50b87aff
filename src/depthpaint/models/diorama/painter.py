"""diorama in ONNX Runtime: a tokenizer, and five graphs that share one weights file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image
from tokenizers import Tokenizer

from depthpaint.core.errors import require_room
from depthpaint.depth.hints import relief_of
from depthpaint.models.diorama.files import ENCODER, GRAPHS, WEIGHTS, DioramaFiles, open_files
from depthpaint.models.onnx_session import OnnxSession, start_session
from depthpaint.models.painter import Floats, Runtime, UnknownWord
from depthpaint.plan import ModelHabits
from depthpaint.sampling.drive import Array
from depthpaint.sampling.levels import NoiseLevel

Features = tuple[Floats, ...]
LEAST = 640 << 20
"""Bytes of address space: with less, threads of ONNX Runtime may abort the process while they load."""
MEANINGS = {
    "azure": "blue", "navy": "blue", "silver": "gray", "lime": "green", "bronze": "brown", "copper": "orange",
    "globe": "sphere", "orb": "sphere", "block": "cube", "pillar": "cylinder", "column": "cylinder",
    "tube": "cylinder", "field": "meadow", "midnight": "night", "moon": "moonlight", "sun": "sunshine",
    "morning": "sunrise", "afternoon": "daylight", "rain": "overcast", "storm": "overcast",
    "blizzard": "snow", "villa": "house", "castle": "house", "church": "house", "skyscraper": "tower",
    "river": "lake", "pond": "lake", "island": "beach", "dune": "dunes", "cliff": "mountain", "rock": "stone",
    "valley": "mountains", "canyon": "mountains", "seat": "chair", "bench": "stool", "drawer": "cupboard",
    "fridge": "cupboard", "poster": "picture", "candle": "lamp", "mat": "rug", "bush": "tree", "palm": "tree",
    "flower": "plant", "rose": "plant", "cactus": "plant", "steel": "metal", "iron": "metal",
    "chrome": "metal", "crystal": "glass", "ceramic": "shiny", "plastic": "shiny", "cotton": "fabric",
    "silk": "velvet", "wool": "fabric", "plank": "wooden", "tile": "tiled",
}  # fmt: skip
"""Common words, and the known word nearest in meaning; used for suggestions only."""


class Vocabulary:
    """diorama's tokenizer."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        self._counter = Tokenizer.from_file(str(path))
        self._counter.no_truncation()
        self._counter.no_padding()
        self._words = sorted(w for w in self._tokenizer.get_vocab() if re.fullmatch(r"[a-z]+", w))
        self._unknown = self._tokenizer.token_to_id("<|unknown|>")

    @property
    def words(self) -> list[str]:
        """Every known word, sorted."""
        return list(self._words)

    def encode(self, prompt: str) -> list[int]:
        """Token ids, always of the trained length: longer prompts are cut, shorter ones padded."""
        return self._tokenizer.encode(prompt).ids

    def too_long(self, prompt: str) -> int:
        """How many tokens of `prompt` do not fit."""
        return max(0, len(self._counter.encode(prompt).ids) - len(self.encode(prompt)))

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """The words of `prompt` without a token, also after synonyms; each once, in order."""
        unknown: dict[str, UnknownWord] = {}
        text = str(self._tokenizer.normalizer.normalize_str(prompt))  # pyright: ignore
        for word in cast("list[str]", re.findall(r"[^\W_]+", text)):
            if word not in unknown and self._tokenizer.token_to_id(word) is None:
                alike = difflib.get_close_matches(word, self._words, n=3, cutoff=0.7)
                meant = [MEANINGS[word]] if word in MEANINGS else []
                unknown[word] = UnknownWord(word, tuple(dict.fromkeys([*meant, *alike]))[:3])
        return tuple(unknown.values())


class Diorama:
    """The built-in Painter. Of `runtime` it has a use for the number of threads."""

    def __init__(
        self, habits: ModelHabits, files: DioramaFiles | None = None, runtime: Runtime | None = None
    ) -> None:
        require_room(LEAST, "to load diorama")
        self._habits = habits
        self._files = files or open_files()
        self._runtime = runtime or Runtime()
        # Sessions are built in parallel and up front, so that "load" is the full cost of loading.
        # The encoder's comes with the first picture to start from, which few runs have.
        needed = [name for name in GRAPHS if name != ENCODER]
        with ThreadPoolExecutor(len(needed)) as pool:
            self._sessions = dict(zip(needed, pool.map(self._start, needed), strict=True))

    @property
    def habits(self) -> ModelHabits:
        """The model's habits."""
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
    def memory(self) -> int:
        """Bytes of its weights."""
        return (self._files.folder / WEIGHTS).stat().st_size

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the runtime is ignored."""
        wanted = self._runtime
        ignored = [
            *([] if wanted.device in ("auto", "cpu") else [f"--device {wanted.device}"]),
            *([] if wanted.precision in ("auto", "fp32") else [f"--precision {wanted.precision}"]),
            *(["--compile"] if wanted.compile else []),
        ]
        if not ignored:
            return ()
        verb = "is" if len(ignored) == 1 else "are"
        return (
            f"{self._habits.name} computes on the CPU in float32: {' and '.join(ignored)} {verb} ignored",
        )

    def steadier(self) -> bool:
        """False: it already computes in float32."""
        return False

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokenizer with the known words."""
        return Vocabulary(self._files.tokenizer)

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """The words of `prompt` that it was not trained on."""
        return self.vocabulary.unknown_words(prompt)

    def tokens_cut(self, prompt: str) -> int:
        """How many tokens of `prompt` do not fit."""
        return self.vocabulary.too_long(prompt)

    def encode_text(self, prompt: str) -> object:
        """Conditioning, (1, T, C)."""
        tokens = np.array([self.vocabulary.encode(prompt)], dtype=np.int64)
        return self._run("text_encoder", {"tokens": tokens})[0]

    def begin(self, noise: Floats) -> Array:
        """The noise, unchanged."""
        return noise

    def encode(self, picture: Floats) -> Array:
        """Latents of a picture (H, W, 3)."""
        centred = picture.transpose(2, 0, 1)[None] * np.float32(2) - np.float32(1)
        return self._run(ENCODER, {"picture": centred})[0]

    def prepare_control(self, hints: Mapping[str, Floats], known: Floats | None) -> object:
        """Run the adapter; it does not depend on the latents, so once per picture."""
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
        if name not in self._sessions:
            self._sessions[name] = self._start(name)
        return tuple(cast("list[Floats]", self._sessions[name].run(None, contiguous)))

    def _start(self, name: str) -> OnnxSession:
        return start_session(self._files.graph(name), self._runtime.threads)


def where_known(feature: Floats, known: Floats) -> Floats:
    """Set `feature` (1, C, h, w) to zero where depth is not known; `known` (H, W) is 0 there."""
    height, width = feature.shape[-2:]
    share = Image.fromarray(known).resize((width, height), Image.Resampling.BOX)
    return feature * np.asarray(share)
