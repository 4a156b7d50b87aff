"""Tokenizers for checkpoints in one file, which bring none: CLIP's words, wherever they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.folder_json import incompatible, require_readable
from depthpaint.models.hub import local_folder
from depthpaint.models.hub_part import CLIP_WORDS

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
