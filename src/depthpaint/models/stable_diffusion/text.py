"""Encode prompts as the pipelines of each family do, with any length and with emphasis."""

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
    r"\\(?P<letter>[\\()\[\]]?)|(?P<open>[(\[])|:\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)|(?P<close>[)\]])"
    r"|(?P<text>[^\\()\[\]:]+|.)",
    re.DOTALL,
)
_OPENS = {")": "(", "]": "["}
_FACTORS = {"(": STEP, "[": 1 / STEP}
_BREAK = re.compile(r"\s*\bBREAK\b\s*")

Fragment = tuple[str, float]


def pieces_of(prompt: str) -> list[list[Fragment]]:
    """The parts of a prompt in order, each with its weight, as the AUTOMATIC1111 web UI reads them.

    BREAK begins a new piece, except in a prompt of capitals. Neighbours of equal weight are joined.
    """
    parts: list[Fragment | None] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}

    def close(bracket: str, factor: float) -> None:
        start = opened[bracket].pop()
        parts[start:] = [part and (part[0], part[1] * factor) for part in parts[start:]]

    for match in _PARTS.finditer(prompt):
        groups = match.groupdict()
        if groups["open"]:
            opened[groups["open"]].append(len(parts))
        elif groups["weight"] and opened["("]:
            close("(", float(groups["weight"]))
        elif groups["close"] and opened[_OPENS[groups["close"]]]:
            close(_OPENS[groups["close"]], _FACTORS[_OPENS[groups["close"]]])
        elif groups["letter"] is not None:
            parts.append((groups["letter"], 1.0))
        else:
            text = match.group()
            first, *others = [text] if prompt.isupper() else _BREAK.split(text)
            parts.append((first, 1.0))
            parts += [each for other in others for each in (None, (other, 1.0))]
    for bracket, starts in opened.items():
        for _ in list(starts):
            close(bracket, _FACTORS[bracket])
    return _joined(parts)


def without_emphasis(prompt: str) -> str:
    """The first piece of a prompt without its brackets and weights."""
    return "".join(text for text, _ in pieces_of(prompt)[0])


def _joined(parts: list[Fragment | None]) -> list[list[Fragment]]:
    """The parts in pieces; None begins a new one."""
    pieces: list[list[Fragment]] = [[]]
    for part in parts:
        if part is None:
            pieces.append([])
        elif pieces[-1] and pieces[-1][-1][1] == part[1]:
            pieces[-1][-1] = (pieces[-1][-1][0] + part[0], part[1])
        else:
            pieces[-1].append(part)
    return [piece or [("", 1.0)] for piece in pieces]


_COMFY = Path("comfy") / "sd1_tokenizer"
LENGTH = 77


def tokenizer_for(file: Path, part: str, *, pads_with_end: bool) -> Any:
    """The tokenizer beside `file`, ComfyUI's own, or the one in the hub's cache.

    SD 1 pads prompts with their end token, the others with "!"; SDXL's first encoder as SD 1. Raises
    ModelError: model_not_found if there is none, model_incompatible if it cannot be read.
    """
    folder = _folder(file, part)
    require_readable(folder)
    try:
        tokenizer = transformers.CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    # The library raises all kinds of exceptions for a damaged folder.
    except Exception as error:
        raise incompatible(folder, "its files are not a CLIP tokenizer") from error
    tokenizer.model_max_length = LENGTH
    tokenizer.pad_token = tokenizer.eos_token if pads_with_end else "!"
    return tokenizer


def limit_length(model: Path, encoder: Any, tokenizer: Any) -> None:
    """Limit a tokenizer to the length of its text encoder.

    Raises ModelError model_incompatible if it has tokens without a vector in the encoder.
    """
    known = len(encoder.get_input_embeddings().weight)
    highest = max(tokenizer.get_vocab().values(), default=0)
    if highest >= known:
        raise incompatible(model, f"its tokenizer has the token {highest}, its text encoder {known} tokens")
    # If no file sets it, the library takes 1e30.
    tokenizer.model_max_length = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)


def _folder(file: Path, part: str) -> Path:
    beside = (file.parent / part, file.parent / "tokenizer")
    above = (parent / _COMFY for parent in file.resolve().parents)
    place = next((place for place in (*beside, *above) if _holds_words(place)), None)
    if place is not None:
        return place
    try:
        cached = local_folder("the tokenizer", CLIP_WORDS, "")
    except ModelError as error:
        raise _none(file) from error
    # Other programs download only some of its files.
    if not _holds_words(cached):
        raise _none(file)
    return cached


def _holds_words(folder: Path) -> bool:
    in_two = (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file()
    return in_two or (folder / "tokenizer.json").is_file()


def _none(file: Path) -> ModelError:
    return ModelError(
        f"there is no tokenizer for {file.name} on this machine",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy=f"depthpaint models pull {CLIP_WORDS.repository}, or put a folder tokenizer beside it",
        value=str(file),
    )


class TextEncoder:
    """One CLIP text encoder with its tokenizer.

    `hidden` is the layer that is used: 0 the last with its final norm (SD 1 and 2), n the n-th before the
    last. `normed` says whether the final norm follows; `pooled` whether the pooled vector is used too.
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
        """The model interface that compel expects: its last state is the layer that is used here."""
        output = self.model(tokens.to(self.device), mask, output_hidden_states=self._hidden > 0)
        if self._hidden == 0:
            return SimpleNamespace(last_hidden_state=output.last_hidden_state)
        words = output.hidden_states[-(self._hidden + 1)]
        # transformers 5 removed one level of the model without projection.
        inner = getattr(self.model, "text_model", self.model)
        return SimpleNamespace(last_hidden_state=inner.final_layer_norm(words) if self._normed else words)

    def with_tokenizer(self, tokenizer: Any) -> TextEncoder:
        """The same encoder with another tokenizer."""
        return TextEncoder(
            self.model, tokenizer, hidden=self._hidden, normed=self._normed, pooled=self._pooled
        )

    @cached_property
    def empty(self) -> Tensor:
        """The encoding of an empty prompt, (1, T, C)."""
        return self.words("")

    def words(self, prompt: str) -> Tensor:
        """The encoded prompt, (1, n T, C): n times T tokens, at least once for each piece."""
        encoded = [
            self._provider.get_embeddings_for_weighted_prompt_fragments(
                [[text for text, _ in fragments]], [[weight for _, weight in fragments]], device=self.device
            )
            for fragments in pieces_of(prompt)
        ]
        return torch.cat([cast("Tensor", each) for each in encoded], dim=1)

    def whole(self, prompt: str) -> Tensor | None:
        """The pooled vector of the prompt (1, P), from as many tokens as fit in one piece."""
        if not self._pooled:
            return None
        length = self.tokenizer.model_max_length
        tokens = self.tokenizer(
            without_emphasis(prompt),
            padding="max_length",
            max_length=length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        return self.model(tokens.to(self.device))[0]


@dataclass(frozen=True, slots=True)
class Text:
    """Conditioning of one prompt, or of several in a batch: `words` (B, T, C), `pooled` (B, P) for SDXL.

    `padding` (1, t, C) extends shorter prompts of a batch.
    """

    words: Tensor
    pooled: Tensor | None
    padding: Tensor

    @classmethod
    def row(cls, texts: Sequence[Text]) -> Text:
        """Several in a batch for one call of the network; shorter ones are padded."""
        longest = max(text.words.shape[1] for text in texts)
        words = torch.cat([text.of_length(longest) for text in texts])
        pooled = [text.pooled for text in texts if text.pooled is not None]
        return cls(words, torch.cat(pooled) if pooled else None, texts[0].padding)

    def of_type(self, kind: torch.dtype) -> Text:
        """In another precision; unchanged if it already has it."""
        pooled = None if self.pooled is None else self.pooled.to(kind)
        return Text(self.words.to(kind), pooled, self.padding)

    def of_length(self, length: int) -> Tensor:
        """The words followed by padding, (B, length, C)."""
        pieces = (length - self.words.shape[1]) // self.padding.shape[1]
        return torch.cat([self.words, *[self.padding] * pieces], dim=1)


@torch.inference_mode()
def encode(encoders: Sequence[TextEncoder], prompt: str, *, empty_is_zero: bool) -> Text:
    """Conditioning of one prompt. With `empty_is_zero` (SDXL) an empty prompt is all zeros."""
    padding = torch.cat([encoder.empty for encoder in encoders], dim=-1)
    pooled = next((w for encoder in reversed(encoders) if (w := encoder.whole(prompt)) is not None), None)
    if empty_is_zero and not prompt.strip():
        none = None if pooled is None else torch.zeros_like(pooled)
        return Text(torch.zeros_like(padding), none, torch.zeros_like(padding))
    encoded = [encoder.words(prompt) for encoder in encoders]
    # Two tokenizers may split a long prompt at different places.
    longest = max(words.shape[1] for words in encoded)
    padded = [
        torch.cat([words, *[encoder.empty] * ((longest - words.shape[1]) // encoder.empty.shape[1])], 1)
        for encoder, words in zip(encoders, encoded, strict=True)
    ]
    return Text(torch.cat(padded, dim=-1), pooled, padding)
