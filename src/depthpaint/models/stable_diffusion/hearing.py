"""A sentence is heard with the learned words that it names; afterwards the encoders know none of them."""

from __future__ import annotations

import copy
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from depthpaint.models.stable_diffusion.inversions import add_inversions
from depthpaint.models.stable_diffusion.text import Text, TextEncoder, encode


def hear(
    encoders: Sequence[TextEncoder], prompt: str, inversions: Sequence[Path], *, empty_is_zero: bool
) -> Text:
    """Conditioning of one sentence, in which the files of textual `inversions` are words.

    Raises ModelError as add_inversions does; whatever happens, the encoders are left as they were.
    """
    if not inversions:
        return encode(encoders, prompt, empty_is_zero=empty_is_zero)
    with ExitStack() as stack:
        pairs = [(stack.enter_context(_lent(each.model)), copy.deepcopy(each.tokenizer)) for each in encoders]
        add_inversions(pairs, inversions)
        taught = [each.with_tokenizer(words) for each, (_, words) in zip(encoders, pairs, strict=True)]
        return encode(taught, prompt, empty_is_zero=empty_is_zero)


@contextmanager
def _lent(model: Any) -> Generator[Any]:
    """A text encoder whose vocabulary may be changed until it is given back."""
    inner = getattr(model, "text_model", model)
    vectors, settings, end = model.get_input_embeddings(), copy.deepcopy(model.config), inner.eos_token_id
    # To make room for more words changes the layer itself.
    model.set_input_embeddings(copy.deepcopy(vectors))
    try:
        yield model
    finally:
        model.set_input_embeddings(vectors)
        model.config.vocab_size, model.config.eos_token_id = settings.vocab_size, settings.eos_token_id
        inner.eos_token_id = end
