"""diorama's vocabulary: one token a word, so that a word it does not know is seen at once."""

from __future__ import annotations

import re
from itertools import chain

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFC, Lowercase
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from depthpaint.training.scenes.palette import COLOURS, GROUNDS, LIGHTS, SHAPES

START, END, UNKNOWN = "<|startoftext|>", "<|endoftext|>", "<|unknown|>"
MAX_TOKENS = 48
"""Length of every encoded prompt, padded with END as CLIP pads."""

FILLERS = (
    "a an and with on in of the at under before front floor ground wall brick sky clear "
    "room interior landscape outdoors empty place scene shiny , . ;"
)


def words() -> list[str]:
    """Every word that the scenes' captions use, sorted, each once."""
    phrases = chain(
        COLOURS,
        chain.from_iterable(SHAPES.values()),
        chain.from_iterable(light.phrases for light in LIGHTS.values()),
        chain.from_iterable(ground.phrases for ground in GROUNDS.values()),
        [FILLERS],
    )
    return sorted(set(re.findall(r"[^\s]+", " ".join(phrases))))


def build_tokenizer() -> Tokenizer:
    """Make the tokenizer; it pads and truncates to `MAX_TOKENS`."""
    vocabulary = {token: index for index, token in enumerate([START, END, UNKNOWN, *words()])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = Normalizers([NFC(), Lowercase()])  # type: ignore[assignment]
    tokenizer.pre_tokenizer = BertPreTokenizer()  # type: ignore[assignment]
    tokenizer.post_processor = TemplateProcessing(  # type: ignore[assignment]
        single=f"{START} $A {END}", special_tokens=[(START, vocabulary[START]), (END, vocabulary[END])]
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding(pad_id=vocabulary[END], pad_token=END, length=MAX_TOKENS)
    return tokenizer
