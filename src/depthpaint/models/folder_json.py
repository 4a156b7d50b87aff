"""The JSON files of a model's folder, which nobody vouches for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from depthpaint.core.errors import ErrorCode, ModelError


def read_json(path: Path) -> Mapping[str, Any]:
    """The JSON object in `path`. Raises ModelError model_not_found or model_incompatible."""
    try:
        document: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"{path.parent} holds no {path.name}",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="name a folder in diffusers' layout",
            value=str(path.parent),
        ) from error
    except (ValueError, RecursionError) as error:
        raise incompatible(path.parent, f"{path.name} is no JSON") from error
    if not isinstance(document, dict):
        raise incompatible(path.parent, f"{path.name} holds no object")
    return cast("dict[str, Any]", document)


def incompatible(folder: Path, why: str) -> ModelError:
    """The error for a folder that cannot be painted with."""
    return ModelError(
        f"{folder} cannot be painted with: {why}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="take a Stable Diffusion 1, 2 or XL in diffusers' layout, and a control network of its family",
        value=str(folder),
    )
