"""diorama's vocabulary: one token a word, so that a word it does not know is seen at once."""

from __future__ import annotations

import re

from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFC, Lowercase, Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from training.worlds.words import SYNONYMS, VOCABULARY

START, END, UNKNOWN = "<|startoftext|>", "<|endoftext|>", "<|unknown|>"
MAX_TOKENS = 64
"""Length of every encoded prompt, padded with END as CLIP pads."""


def build_tokenizer() -> Tokenizer:
    """Make the tokenizer; it reads synonyms as their common word, pads and truncates to `MAX_TOKENS`."""
    vocabulary = {token: index for index, token in enumerate([START, END, UNKNOWN, *VOCABULARY])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    # Longest first: "snow-capped" is read before a part of it could be.
    synonyms = [
        Replace(Regex(rf"\b{re.escape(said)}\b"), meant)
        for said, meant in sorted(SYNONYMS.items(), key=lambda pair: -len(pair[0]))
    ]
    tokenizer.normalizer = Normalizers([NFC(), Lowercase(), *synonyms])  # type: ignore[assignment]
    tokenizer.pre_tokenizer = BertPreTokenizer()  # type: ignore[assignment]
    tokenizer.post_processor = TemplateProcessing(  # type: ignore[assignment]
        single=f"{START} $A {END}", special_tokens=[(START, vocabulary[START]), (END, vocabulary[END])]
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding(pad_id=vocabulary[END], pad_token=END, length=MAX_TOKENS)
    return tokenizer
