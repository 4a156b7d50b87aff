"""What the engine needs of a model: where it computes, a painter's calls, its entry before loading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.plan import ModelHabits
from depthpaint.sampling.drive import Array
from depthpaint.sampling.levels import NoiseLevel

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "fp16", "bf16"]
MOST_THREADS = 256
"""Each graph of diorama has that many, which on a machine of few cores costs memory and saves no time."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """`auto` takes the fastest device there is, and the precision that it does well.

    `compile` lets torch compile the denoising network: minutes at the first picture, faster from then on.
    `threads` is how many a CPU works with, 0 for one a core. For torch the last engine's number holds for the
    whole process.
    """

    device: Device = "auto"
    precision: Precision = "auto"
    compile: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        """Raise ParameterError for a number of threads that is none, or that no machine has cores for."""
        if isinstance(self.threads, bool) or not 0 <= self.threads <= MOST_THREADS:
            raise ParameterError(
                f"{self.threads} threads are asked for, and 0 to {MOST_THREADS} are possible",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="leave out --threads: 0 takes one a core",
                value=self.threads,
                limit=MOST_THREADS,
            )


Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """A word that a model never learned, with the nearest ones that it knows (best first, possibly none)."""

    word: str
    nearest: tuple[str, ...]


class Painter(Protocol):
    """A loaded model. What goes in and comes out is float32 numpy; what travels between calls is its own.

    Latents are (1, c, h, w), variance-preserving, in the model's array library and on its device; the engine
    only adds and multiplies them. Conditioning, prepared control and residuals are opaque.
    """

    @property
    def habits(self) -> ModelHabits:
        """What the model is used to."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Digest of the weights that are loaded, hexadecimal."""
        ...

    @property
    def runs_on(self) -> Mapping[str, str]:
        """Device, precision and versions that decide its numbers; nothing that names a person or a host."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What it had to do that the person should know of, such as saving memory."""
        ...

    def steadier(self) -> bool:
        """Compute with more headroom, after numbers that are none; False where there is no more."""
        ...

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """The words of `prompt` that mean nothing to this model."""
        ...

    def tokens_cut(self, prompt: str) -> int:
        """How many tokens of `prompt` are beyond what this model can hear."""
        ...

    def encode_text(self, prompt: str) -> object:
        """Turn a sentence into conditioning, which the engine keeps between pictures."""
        ...

    def begin(self, noise: Floats) -> Array:
        """Bring standard normal noise (1, c, h, w) to where the model computes."""
        ...

    def prepare_control(self, hints: Mapping[str, Floats], known: Floats | None) -> object:
        """Do once a picture what depth control needs no latents for.

        `hints` are of the canvas, in [0, 1]: "depth" (H, W), 1 = nearest, and where further controls are
        asked for "normal" (H, W, 3) and "canny" (H, W). `known` (H, W) is 0 where nobody knows depth and it
        has no say. For a control network that is the hint embedding, for an adapter all of it.
        """
        ...

    def control(
        self,
        prepared: object,
        latents: Array,
        level: NoiseLevel,
        texts: Sequence[object],
        strengths: Mapping[str, float],
    ) -> object:
        """What depth adds to the network at one step; `strengths` holds the hints that are heard at it."""
        ...

    def predict(
        self, latents: Array, level: NoiseLevel, texts: Sequence[object], residuals: object | None
    ) -> tuple[Array, ...]:
        """Run the denoising network: one answer for each of `texts`, in one call.

        `residuals` is what `control` gave for the same texts, None where depth has no say.
        """
        ...

    def decode(self, latents: Array) -> Floats:
        """Turn latents into a picture, (H, W, 3), about in [0, 1]; not finite where the model broke down."""
        ...


def _none(prompt: str) -> Mapping[str, str]:
    del prompt
    return {}


def _nothing_to_look_for() -> None:
    """What is shipped is there."""


def _as_it_stands(prompt: str, seed: int) -> str:
    del seed
    return prompt


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model: `habits` are there without loading anything, `load` makes a painter.

    `learned` says which words of a sentence are files of textual inversions, with their sha256, hexadecimal.
    `require_here` raises ModelError where a file or a package that it needs is missing; it loads nothing.
    `expanded` says for a sentence and a seed what the model is told in its place.
    """

    habits: ModelHabits
    load: Callable[[Runtime], Painter]
    licence: str
    summary: str
    learned: Callable[[str], Mapping[str, str]] = _none
    expanded: Callable[[str, int], str] = _as_it_stands
    require_here: Callable[[], None] = _nothing_to_look_for
