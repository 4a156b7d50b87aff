"""Sentences into conditioning, as the pipelines of each family make it, but of any length and with emphasis.

Sentences longer than the encoder's 77 tokens are heard in several pieces of 75, one after the other; weights
and pieces are compel's work. An unweighted sentence that fits gives exactly what the pipelines give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any, cast

import torch
from compel.embeddings_provider import (
    EmbeddingsProvider,
    SplitLongTextMode,
)
from torch import Tensor

from depthpaint.models.stable_diffusion.emphasis import fragments_of, spoken


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
