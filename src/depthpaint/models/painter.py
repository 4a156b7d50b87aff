"""The interface between engine and models: the runtime, a painter's methods, and a model's entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import ErrorCode, ParameterError

if TYPE_CHECKING:
    from depthpaint.plan import ModelHabits
    from depthpaint.sampling.drive import Array
    from depthpaint.sampling.levels import NoiseLevel

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "fp16", "bf16"]
MOST_THREADS = 256
"""The most threads; each graph of diorama has that many, and more than the cores only cost memory."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """`auto` takes the fastest device available, and the fastest precision on it.

    `compile` compiles the denoising network with torch: minutes for the first picture, faster afterwards.
    `threads` is the number of CPU threads, 0 for one per core. For torch the number of the last engine
    applies to the whole process.
    """

    device: Device = "auto"
    precision: Precision = "auto"
    compile: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        """Raise ParameterError for a number of threads below 0 or above the limit."""
        if isinstance(self.threads, bool) or not 0 <= self.threads <= MOST_THREADS:
            raise ParameterError(
                f"{self.threads} threads were requested, allowed are 0 to {MOST_THREADS}",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="leave out --threads: the default, 0, uses one per core",
                value=self.threads,
                limit=MOST_THREADS,
            )


Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """A word unknown to a model, with the nearest known ones (best first, possibly none)."""

    word: str
    nearest: tuple[str, ...]


class Painter(Protocol):
    """A loaded model. Inputs and outputs are float32 numpy; intermediate values are of its own types.

    Latents are (1, c, h, w), variance-preserving, in the model's array library and on its device; the engine
    only adds and multiplies them. Conditioning, prepared control and residuals are opaque.
    """

    @property
    def habits(self) -> ModelHabits:
        """The model's habits."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Digest of the loaded weights, hexadecimal."""
        ...

    @property
    def runs_on(self) -> Mapping[str, str]:
        """Device, precision and versions that affect the numbers; nothing that identifies a user or host."""
        ...

    @property
    def memory(self) -> int:
        """Bytes of its weights in memory, wherever they are."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Measures that the user should know of, such as saving memory."""
        ...

    def steadier(self) -> bool:
        """Switch to a higher precision after non-finite numbers; False if there is none."""
        ...

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """The words of `prompt` that this model does not know."""
        ...

    def tokens_cut(self, prompt: str) -> int:
        """How many tokens of `prompt` exceed this model's limit."""
        ...

    def encode_text(self, prompt: str) -> object:
        """Encode a prompt as conditioning, which the engine caches between pictures."""
        ...

    def begin(self, noise: Floats) -> Array:
        """Move standard normal noise (1, c, h, w) to the model's device."""
        ...

    def encode(self, picture: Floats) -> Array:
        """Encode a picture of the canvas, (H, W, 3) in [0, 1], as clean latents (1, c, h, w).

        The same picture gives the same latents: of a distribution its mode.
        """
        ...

    def prepare_control(self, hints: Mapping[str, Floats], known: Floats | None) -> object:
        """Prepare depth control, once per picture: the part that does not depend on the latents.

        `hints` are of the canvas, in [0, 1]: "depth" (H, W), 1 = nearest, and for further controls "normal"
        (H, W, 3) and "canny" (H, W). `known` (H, W) is 0 where depth is unknown and has no effect. For a
        control network this is the hint embedding, for an adapter everything.
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
        """The control's contribution to one step; `strengths` holds the hints that are active in it."""
        ...

    def predict(
        self, latents: Array, level: NoiseLevel, texts: Sequence[object], residuals: object | None
    ) -> tuple[Array, ...]:
        """Run the denoising network: one output for each of `texts`, in one call.

        `residuals` is the result of `control` for the same texts, None if no control is active.
        """
        ...

    def decode(self, latents: Array) -> Floats:
        """Decode latents into a picture, (H, W, 3), about in [0, 1]; not finite if the model failed."""
        ...


def _none(prompt: str) -> Mapping[str, str]:
    del prompt
    return {}


def _nothing_to_look_for() -> None:
    """For built-in models, which need no files."""


def _as_it_stands(prompt: str, seed: int) -> str:
    del seed
    return prompt


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model: `habits` are available without loading anything, `load` makes a painter.

    `inversions` returns the textual inversions in a prompt, with the sha256 of their files, hexadecimal.
    `require_here` raises ModelError if a file or a package that it needs is missing; it loads nothing.
    `prompt_syntax`: whether it understands weights such as (red:1.3), changes at steps, BREAK and AND.
    `expanded` returns for a prompt and a seed the text that the model is given. `side_by_side`: several
    threads may paint with one painter at the same time.
    """

    habits: ModelHabits
    load: Callable[[Runtime], Painter]
    licence: str
    summary: str
    inversions: Callable[[str], Mapping[str, str]] = _none
    expanded: Callable[[str, int], str] = _as_it_stands
    require_here: Callable[[], None] = _nothing_to_look_for
    prompt_syntax: bool = True
    side_by_side: bool = False
