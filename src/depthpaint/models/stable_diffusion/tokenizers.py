"""Tokenizers for checkpoints in one file, which bring none: CLIP's words, wherever they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.hub import local_folder
from depthpaint.models.hub_part import CLIP_WORDS

_COMFY = Path("comfy") / "sd1_tokenizer"
LENGTH = 77


def tokenizer_for(file: Path, part: str, *, pads_with_end: bool) -> Any:
    """The tokenizer beside `file`, ComfyUI's own, or that of the hub's cache.

    SD 1 fills sentences up with their end, the others with "!". Raises ModelError model_not_found.
    """
    folder = _folder(file, part)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    tokenizer.model_max_length = LENGTH
    tokenizer.pad_token = tokenizer.eos_token if pads_with_end else "!"
    return tokenizer


def _folder(file: Path, part: str) -> Path:
    beside = (file.parent / part, file.parent / "tokenizer")
    above = (parent / _COMFY for parent in file.resolve().parents)
    for place in (*beside, *above):
        if (place / "vocab.json").is_file():
            return place
    try:
        return local_folder("the tokenizer", CLIP_WORDS, "")
    except ModelError as error:
        raise ModelError(
            f"{file.name} brings no tokenizer, and none is on this machine",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"depthpaint models pull {CLIP_WORDS.repository}, or put a folder tokenizer beside it",
            value=str(file),
        ) from error
