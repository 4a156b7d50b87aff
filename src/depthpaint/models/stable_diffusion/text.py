"""Prompts into conditioning, as the pipelines of each family make it, of any length and with emphasis."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import torch
import transformers
from compel.embeddings_provider import (
    EmbeddingsProvider,
    SplitLongTextMode,
)
from torch import Tensor

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.folder_json import incompatible, require_readable
from depthpaint.models.hub import local_folder
from depthpaint.models.hub_files import CLIP_WORDS

STEP = 1.1
_PARTS = re.compile(
    r"\\(?P<letter>[\\()\[\]])|(?P<open>[(\[])|:\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)|(?P<close>[)\]])"
    r"|(?P<text>[^\\()\[\]:]+|.)",
    re.DOTALL,
)
_CLOSES = {")": "(", "]": "["}

Fragment = tuple[str, float]


def fragments_of(prompt: str) -> list[Fragment]:
    """The sentence's parts in order, each with its weight; neighbours of one weight are joined."""
    parts: list[Fragment] = []
    opened: list[tuple[str, int]] = []

    def close(bracket: str, weight: float | None) -> bool:
        """Whether the innermost open bracket is of that kind, and so closed."""
        if not opened or opened[-1][0] != bracket:
            return False
        start = opened.pop()[1]
        factor = weight if weight is not None else STEP if bracket == "(" else 1 / STEP
        parts[start:] = [(text, old * factor) for text, old in parts[start:]]
        return True

    for found in _PARTS.finditer(prompt):
        said = found.groupdict()
        if said["open"]:
            opened.append((said["open"], len(parts)))
        elif said["weight"] and close("(", float(said["weight"])):
            continue
        elif said["close"] and close(_CLOSES[said["close"]], None):
            continue
        else:
            parts.append((said["letter"] or found.group(), 1.0))
    while opened:
        close(opened[-1][0], None)
    return _joined(parts)


def spoken(prompt: str) -> str:
    """The sentence without its brackets and weights."""
    return "".join(text for text, _ in fragments_of(prompt))


def _joined(parts: list[Fragment]) -> list[Fragment]:
    joined: list[Fragment] = []
    for text, weight in parts:
        if joined and joined[-1][1] == weight:
            joined[-1] = (joined[-1][0] + text, weight)
        else:
            joined.append((text, weight))
    return joined or [("", 1.0)]


_COMFY = Path("comfy") / "sd1_tokenizer"
LENGTH = 77


def tokenizer_for(file: Path, part: str, *, pads_with_end: bool) -> Any:
    """The tokenizer beside `file`, ComfyUI's own, or that of the hub's cache.

    SD 1 fills sentences up with their end, the others with "!"; SDXL's first does as SD 1. Raises ModelError:
    model_not_found where there is none, model_incompatible where it cannot be read.
    """
    folder = _folder(file, part)
    require_readable(folder)
    try:
        tokenizer = transformers.CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    # Whatever a broken folder makes the library raise is a broken folder.
    except Exception as error:
        raise incompatible(folder, "its files are no CLIP tokenizer") from error
    tokenizer.model_max_length = LENGTH
    tokenizer.pad_token = tokenizer.eos_token if pads_with_end else "!"
    return tokenizer


def fit_words(model: Path, encoder: Any, tokenizer: Any) -> None:
    """Let a tokenizer make no longer sentences than its text encoder takes.

    Raises ModelError model_incompatible where it has words that the encoder has no vectors for.
    """
    known = len(encoder.get_input_embeddings().weight)
    highest = max(tokenizer.get_vocab().values(), default=0)
    if highest >= known:
        raise incompatible(
            model, f"its tokenizer has the word number {highest}, its text encoder {known} words"
        )
    # Where no file tells it, the library takes 1e30.
    tokenizer.model_max_length = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)


def _folder(file: Path, part: str) -> Path:
    beside = (file.parent / part, file.parent / "tokenizer")
    above = (parent / _COMFY for parent in file.resolve().parents)
    found = next((place for place in (*beside, *above) if _holds_words(place)), None)
    if found is not None:
        return found
    try:
        cached = local_folder("the tokenizer", CLIP_WORDS, "")
    except ModelError as error:
        raise _none(file) from error
    # Other programs fetch some of its files only.
    if not _holds_words(cached):
        raise _none(file)
    return cached


def _holds_words(folder: Path) -> bool:
    in_two = (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file()
    return in_two or (folder / "tokenizer.json").is_file()


def _none(file: Path) -> ModelError:
    return ModelError(
        f"{file.name} brings no tokenizer, and none is on this machine",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy=f"depthpaint models pull {CLIP_WORDS.repository}, or put a folder tokenizer beside it",
        value=str(file),
    )


class TextEncoder:
    """One CLIP text encoder with its tokenizer.

    `hidden` is the layer that is read: 0 the last with its final norm (SD 1 and 2), n the n-th before the
    last. `normed` says whether the final norm follows; `pooled` whether the whole sentence's vector is taken
    too.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, hidden: int = 0, normed: bool = True, pooled: bool = False
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self._hidden, self._normed, self._pooled = hidden, normed, pooled
        self.device, self.dtype = model.device, model.dtype
        self._provider = EmbeddingsProvider(
            tokenizer,
            cast("Any", self),
            truncate=False,
            device=model.device,
            split_long_text_mode=SplitLongTextMode.WORDS,
        )

    def __call__(self, tokens: Tensor, mask: Tensor | None = None, **_: object) -> SimpleNamespace:
        """What compel takes for the model: its last state is the layer that is read here."""
        output = self.model(tokens.to(self.device), mask, output_hidden_states=self._hidden > 0)
        if self._hidden == 0:
            return SimpleNamespace(last_hidden_state=output.last_hidden_state)
        words = output.hidden_states[-(self._hidden + 1)]
        # transformers 5 has taken away one level of the model without projection.
        inner = getattr(self.model, "text_model", self.model)
        return SimpleNamespace(last_hidden_state=inner.final_layer_norm(words) if self._normed else words)

    def with_tokenizer(self, tokenizer: Any) -> TextEncoder:
        """The same encoder, reading what another tokenizer makes of a sentence."""
        return TextEncoder(
            self.model, tokenizer, hidden=self._hidden, normed=self._normed, pooled=self._pooled
        )

    @cached_property
    def silence(self) -> Tensor:
        """What an empty sentence is heard as, (1, T, C)."""
        return self.words("")

    def words(self, prompt: str) -> Tensor:
        """(1, n T, C): n pieces of T tokens."""
        fragments = fragments_of(prompt)
        heard = self._provider.get_embeddings_for_weighted_prompt_fragments(
            [[text for text, _ in fragments]], [[weight for _, weight in fragments]], device=self.device
        )
        return cast("Tensor", heard)

    def whole(self, prompt: str) -> Tensor | None:
        """The vector of the sentence as a whole (1, P), of as many tokens as fit in one piece."""
        if not self._pooled:
            return None
        length = self.tokenizer.model_max_length
        tokens = self.tokenizer(
            spoken(prompt), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).input_ids
        return self.model(tokens.to(self.device))[0]


@dataclass(frozen=True, slots=True)
class Text:
    """Conditioning of one sentence, or of several in a row: `words` (B, T, C), `pooled` (B, P) for SDXL.

    `silence` (1, t, C) stands where another sentence of the row is longer.
    """

    words: Tensor
    pooled: Tensor | None
    silence: Tensor

    @classmethod
    def row(cls, texts: Sequence[Text]) -> Text:
        """Several for one call of the network; shorter ones fall silent."""
        longest = max(text.words.shape[1] for text in texts)
        words = torch.cat([text.of_length(longest) for text in texts])
        pooled = [text.pooled for text in texts if text.pooled is not None]
        return cls(words, torch.cat(pooled) if pooled else None, texts[0].silence)

    def of_type(self, kind: torch.dtype) -> Text:
        """In another precision; the same where it is that already."""
        pooled = None if self.pooled is None else self.pooled.to(kind)
        return Text(self.words.to(kind), pooled, self.silence)

    def of_length(self, length: int) -> Tensor:
        """The words and then silence, (B, length, C)."""
        pieces = (length - self.words.shape[1]) // self.silence.shape[1]
        return torch.cat([self.words, *[self.silence] * pieces], dim=1)


@torch.inference_mode()
def encode(encoders: Sequence[TextEncoder], prompt: str, *, empty_is_zero: bool) -> Text:
    """Conditioning of one sentence. With `empty_is_zero` (SDXL) the empty one is all zeros."""
    silence = torch.cat([encoder.silence for encoder in encoders], dim=-1)
    pooled = next((w for encoder in reversed(encoders) if (w := encoder.whole(prompt)) is not None), None)
    if empty_is_zero and not prompt.strip():
        none = None if pooled is None else torch.zeros_like(pooled)
        return Text(torch.zeros_like(silence), none, torch.zeros_like(silence))
    heard = [encoder.words(prompt) for encoder in encoders]
    # Two tokenizers may cut a long sentence at different places.
    longest = max(words.shape[1] for words in heard)
    padded = [
        torch.cat([words, *[encoder.silence] * ((longest - words.shape[1]) // encoder.silence.shape[1])], 1)
        for encoder, words in zip(encoders, heard, strict=True)
    ]
    return Text(torch.cat(padded, dim=-1), pooled, silence)
