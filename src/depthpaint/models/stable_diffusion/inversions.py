"""Textual inversions (Gal et al. 2208.01618): tokens with learned vectors, added for single prompts."""

from __future__ import annotations

import copy
import re
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from tokenizers import (
    AddedToken,  # pyright: ignore[reportAttributeAccessIssue]
    Regex,  # pyright: ignore[reportAttributeAccessIssue]
    normalizers,  # pyright: ignore[reportAttributeAccessIssue]
)
from torch import Tensor

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.stable_diffusion.text import Text, TextEncoder, encode
from depthpaint.models.weights import require_whole

WEB_UI = "emb_params"
BY_ENCODER = ("clip_l", "clip_g")
"""SDXL's keys for its first and its second text encoder."""
MOST_VECTORS = 75
"""The most vectors; as many as one piece of a prompt holds."""
_PRIVATE = 0xE000


def add_inversions(encoders: Sequence[tuple[Any, Any]], files: Sequence[Path]) -> None:
    """Add tokens named after the files to the (model, tokenizer) pairs of a model.

    All files are checked before any is added. Raises ModelError: model_truncated for an incomplete
    safetensors file, model_incompatible for a file that is not a textual inversion, for encoders of another
    width or number, and for two files of one name.
    """
    by_word: dict[str, Path] = {}
    for file in files:
        if by_word.setdefault(file.stem, file) != file:
            raise _unfit(file, f"{by_word[file.stem]} has the same name")
    widths = [_width(model) for model, _ in encoders]
    read = [(file, vectors_of(file, widths)) for file in by_word.values()]
    for file, vectors in read:
        for (model, tokenizer), its in zip(encoders, vectors, strict=True):
            _add(model, tokenizer, file.stem, its)


def vectors_of(file: Path, widths: Sequence[int]) -> list[Tensor]:
    """The vectors of an inversion (n, width), n the same, for encoders of these widths."""
    require_whole(file)
    with safe_open(file, framework="pt") as stream:
        names = sorted(stream.keys())
        if set(BY_ENCODER) & set(names):
            wanted = list(BY_ENCODER)
        else:
            wanted = [WEB_UI] if WEB_UI in names else names
        if len(wanted) != len(widths):
            many = {1: "one text encoder", 2: "the two text encoders of SDXL"}
            encoders = many.get(len(wanted), f"{len(wanted)} tensors, which is not a textual inversion")
            raise _unfit(file, f"it is for {encoders}, the model has {len(widths)}")
        if not set(wanted) <= set(names):
            raise _unfit(file, f"it lacks {', '.join(sorted(set(wanted) - set(names)))}")
        # Shapes are checked first, so that nothing large is read.
        shapes = [tuple(stream.get_slice(name).get_shape()) for name in wanted]
        counts = {_count(file, shape, width) for shape, width in zip(shapes, widths, strict=True)}
        if len(counts) > 1:
            raise _unfit(file, "its encoders have different numbers of vectors")
        vectors = [
            stream.get_tensor(name).float().reshape(-1, w) for name, w in zip(wanted, widths, strict=True)
        ]
    if not all(bool(torch.isfinite(its).all()) for its in vectors):
        raise _unfit(file, "its numbers are not finite")
    return vectors


def _count(file: Path, shape: tuple[int, ...], width: int) -> int:
    count = {1: 1, 2: shape[0]}.get(len(shape), 0) if shape else 0
    if count == 0 or shape[-1] != width:
        size = "x".join(map(str, shape)) or "one number"
        raise _unfit(file, f"its vectors are {size}, the model's are {width} wide")
    if count > MOST_VECTORS:
        raise _unfit(file, f"it has {count} vectors, the limit is {MOST_VECTORS}")
    return count


def _add(model: Any, tokenizer: Any, word: str, vectors: Tensor) -> None:
    """Add `word` to the tokenizer, as tokens of its own, and their vectors to the model."""
    tokens = _tokens(word, len(vectors))
    inner = tokenizer.backend_tokenizer
    alone = Regex(rf"(?<![\w.-])(?:embedding:)?{re.escape(word)}(?![.-]*\w)")
    steps = [normalizers.Replace(alone, "".join(tokens)), inner.normalizer]
    inner.normalizer = normalizers.Sequence(steps)
    tokenizer.add_tokens([AddedToken(token, normalized=True) for token in tokens])
    numbers = tokenizer.convert_tokens_to_ids(tokens)
    if max(numbers) >= len(model.get_input_embeddings().weight):
        model.resize_token_embeddings(max(numbers) + 1, mean_resizing=False)
    rows = model.get_input_embeddings().weight.requires_grad_(requires_grad=False)
    rows[numbers] = vectors.to(rows.device, rows.dtype)
    # Published configurations take the highest token as the end of text, and the new ones are higher.
    model.config.eos_token_id = tokenizer.eos_token_id
    getattr(model, "text_model", model).eos_token_id = tokenizer.eos_token_id


def _tokens(word: str, count: int) -> list[str]:
    """Tokens of private-use characters, which prompts do not contain; none is a part of another's."""
    spelled = "".join(chr(_PRIVATE + byte) for byte in word.encode())
    return [f"{spelled}{chr(_PRIVATE + 256 + number)}" for number in range(count)]


def _width(model: Any) -> int:
    return int(model.get_input_embeddings().weight.shape[1])


def _unfit(file: Path, why: str) -> ModelError:
    return ModelError(
        f"the textual inversion {file.name} does not fit the model: {why}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="use one that was trained on this model's family (SD 1, SD 2 or SDXL)",
        value=str(file),
    )


def encode_with_inversions(
    encoders: Sequence[TextEncoder], prompt: str, inversions: Sequence[Path], *, empty_is_zero: bool
) -> Text:
    """Conditioning of one prompt, with textual `inversions` from files.

    Raises ModelError as add_inversions does; the encoders are always restored.
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
    """A text encoder whose vocabulary may be changed temporarily."""
    inner = getattr(model, "text_model", model)
    vectors, settings, end = model.get_input_embeddings(), copy.deepcopy(model.config), inner.eos_token_id
    # Adding tokens replaces the embedding layer.
    model.set_input_embeddings(copy.deepcopy(vectors))
    try:
        yield model
    finally:
        model.set_input_embeddings(vectors)
        model.config.vocab_size, model.config.eos_token_id = settings.vocab_size, settings.eos_token_id
        inner.eos_token_id = end
