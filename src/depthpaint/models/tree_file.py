"""ComfyUI's extra_model_paths.yaml: folders of models that lie anywhere, by what they hold."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.core.files import expanded

BASE, DEFAULT = "base_path", "is_default"
OLD_NAMES = {"unet": "diffusion_models"}
"""What ComfyUI has renamed since; it reads both."""
LONGEST = 100_000
"""Characters that are read; such a file holds a few thousand."""


def folders_in(file: Path) -> tuple[tuple[str, Path], ...]:
    """The folders that a file names, each with what it is for (checkpoints, loras, ...), in its order.

    Each group of the file has its `base_path`; what is relative is so to that, or to the file. Raises
    ModelError model_not_found for a file that is none of this kind, model_incompatible without a YAML reader.
    """
    try:
        with file.open(encoding="utf-8") as stream:
            text = stream.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(file, "it is no text that can be read") from error
    if len(text) > LONGEST:
        raise _unreadable(file, f"it is longer than {LONGEST:,} characters")
    return _folders(file.absolute(), text)


@lru_cache(maxsize=16)
def _folders(file: Path, text: str) -> tuple[tuple[str, Path], ...]:
    groups = _object(file, "it", _parsed(file, text))
    found: list[tuple[str, Path]] = []
    for name, group in groups.items():
        if group is None:
            continue
        said = _object(file, f"its {name}", group)
        base = file.parent / _expanded(_text(file, BASE, said.get(BASE) or ""))
        for kind, lines in said.items():
            if kind in (BASE, DEFAULT) or lines is None:
                continue
            places = [line.strip() for line in _text(file, kind, lines).splitlines()]
            found += [(OLD_NAMES.get(kind, kind), base / _expanded(place)) for place in places if place]
    return tuple(found)


def _parsed(file: Path, text: str) -> object:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ModelError(
            f"to read {file.name} needs {error.name}, which is not installed",
            code=ErrorCode.MODEL_INCOMPATIBLE,
            remedy="pip install 'depthpaint[sd]'",
            value=error.name,
        ) from error
    try:
        return yaml.safe_load(text)
    # Dates that are none raise a ValueError, brackets without end a RecursionError.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(file, "it is no YAML") from error


def _object(file: Path, what: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unreadable(file, f"{what[:60]} holds no names with folders")
    return {str(name): each for name, each in cast("dict[object, Any]", value).items()}


def _text(file: Path, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _unreadable(file, f"its {name[:60]} is no folder")
    return value


def _expanded(place: str) -> Path:
    return expanded(os.path.expandvars(place))


def _unreadable(file: Path, why: str) -> ModelError:
    return ModelError(
        f"{file} is no list of model folders as ComfyUI's extra_model_paths.yaml: {why}",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy="mend it, or take it out of DEPTHPAINT_MODELS",
        value=str(file),
    )
