"""The JSON files of a model's folder, which come from anywhere: read with bounds before anything is built."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

from depthpaint.core.errors import DepthError, ErrorCode, ModelError
from depthpaint.inputs.regular_file import read_regular_file
from depthpaint.models.configuration_bounds import BOUNDS, Bounds, fault_in

LONGEST = 1_000_000
"""Bytes of a configuration; published ones have a few thousand."""
LONGEST_INDEX = 16_000_000
"""Bytes of an index of shards, which names every tensor."""
LONGEST_WORDS = 16_000_000
"""Bytes of a tokenizer's file; CLIP's largest has 3.6 million."""
MOST_FILES = 1_000
_WORDS = frozenset({"tokenizer.json", "vocab.json", "merges.txt", "vocab.txt"})
_TEXTS = frozenset({".json", ".txt", ".jinja", ".model", ".py"})

Refuse = Callable[[Path, str], ModelError]
"""Makes the error for a folder, from why it cannot be used."""


def incompatible(folder: Path, why: str) -> ModelError:
    """The error for a folder that cannot be painted with."""
    return ModelError(
        f"{folder} cannot be painted with: {why}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="take a Stable Diffusion 1, 2 or XL in diffusers' layout, and a control network of its family",
        value=str(folder),
    )


def read_configuration(
    path: Path, bounds: Bounds = BOUNDS, refuse: Refuse = incompatible
) -> Mapping[str, Any]:
    """The JSON object in `path`, every number of it within `bounds`.

    Raises ModelError model_not_found, or what `refuse` makes of its folder and of what is wrong.
    """
    document = read_json(path, refuse=refuse)
    fault = fault_in(document, bounds)
    if fault:
        raise refuse(path.parent, f"{path.name}: {fault}")
    return document


def read_json(path: Path, longest: int = LONGEST, *, refuse: Refuse = incompatible) -> Mapping[str, Any]:
    """The JSON object in a regular file of at most `longest` bytes. Raises as read_configuration does."""
    try:
        data = read_regular_file(path, longest)
    except DepthError as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            raise (
                _none(path) if refuse is incompatible else refuse(path.parent, f"it holds no {path.name}")
            ) from error
        why = f"it has more than {longest:,} bytes" if error.limit == longest else _reason(error)
        raise refuse(path.parent, f"{path.name} cannot be read: {why}") from error
    try:
        return parsed_object(data)
    except ValueError as error:
        raise refuse(path.parent, f"{path.name} {error}") from error


def parsed_object(data: bytes | str) -> Mapping[str, Any]:
    """The JSON object that `data` is. Raises ValueError with what it is in its place, as "is no JSON"."""
    try:
        document: object = json.loads(data, parse_constant=_no_number)
    except _NoNumber as error:
        raise ValueError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise ValueError("is no JSON") from error
    if not isinstance(document, dict):
        raise ValueError("holds no object")
    return cast("dict[str, Any]", document)


def require_readable(folder: Path, refuse: Refuse = incompatible) -> None:
    """Look at what a library will read from `folder` besides weights: regular files of bounded size.

    Without it, a pipe would hang the library, and a device or a huge file would fill the memory.
    """
    try:
        for count, file in enumerate(folder.iterdir()):
            if count == MOST_FILES:
                raise refuse(folder, f"it holds more than {MOST_FILES:,} files")
            status = file.stat()
            if stat.S_ISDIR(status.st_mode):
                continue
            if not stat.S_ISREG(status.st_mode):
                raise refuse(folder, f"{file.name[:60]} is no regular file")
            longest = _longest(file)
            if longest and status.st_size > longest:
                size = f"{status.st_size:,} bytes, and {longest:,} are allowed"
                raise refuse(folder, f"{file.name[:60]} has {size}")
    except OSError as error:
        raise refuse(folder, f"it cannot be read: {error.strerror}") from error


class _NoNumber(ValueError):
    """NaN or Infinity, which JSON does not have and Python reads."""


def _no_number(text: str) -> NoReturn:
    raise _NoNumber(f"holds {text}, which is no number")


def _longest(file: Path) -> int:
    """The most bytes of a text that a library reads; 0 for weights, which may be of any size."""
    if file.name in _WORDS:
        return LONGEST_WORDS
    if file.name.endswith(".index.json"):
        return LONGEST_INDEX
    return LONGEST if file.suffix.lower() in _TEXTS else 0


def _reason(error: DepthError) -> str:
    return error.message.rpartition(": ")[2]


def _none(path: Path) -> ModelError:
    return ModelError(
        f"{path.parent} holds no {path.name}",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy="name a folder in diffusers' layout",
        value=str(path.parent),
    )
