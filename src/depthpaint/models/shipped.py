"""Files inside the package, checked against the digests that were written when they were made."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, cast

from depthpaint.core.errors import ErrorCode, ModelError

DOCUMENT = "model.json"
AT_ONCE = 16 << 20
"""Bytes that are hashed at once: between two pieces a thread waits for the interpreter, and smaller ones took
four times as long beside another thread that imports."""


def read_document(owner: str, folder: Path) -> dict[str, Any]:
    """What `model.json` in `folder` says of a model, without touching its weights.

    `owner` is the model, as an error names it. Raises ModelError: model_not_found, model_truncated.
    """
    try:
        document: object = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    except OSError as error:
        raise _missing(owner, DOCUMENT) from error
    except ValueError as error:
        raise _damaged(owner, DOCUMENT) from error
    if not isinstance(document, dict):
        raise _damaged(owner, DOCUMENT)
    return cast("dict[str, Any]", document)


def require_digest(owner: str, path: Path, expected: object) -> str:
    """The sha256 of a file, hexadecimal, which must be `expected`.

    Raises ModelError: model_not_found, model_hash_mismatch.
    """
    try:
        summed = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(AT_ONCE):
                summed.update(piece)
    except OSError as error:
        raise _missing(owner, path.name) from error
    digest = summed.hexdigest()
    if digest != expected:
        raise ModelError(
            f"{path.name} of {owner} has sha256 {digest[:10]}…, the shipped one {str(expected)[:10]}…",
            code=ErrorCode.MODEL_HASH_MISMATCH,
            value=digest,
            limit=expected,
            remedy="reinstall depthpaint",
        )
    return digest


def _missing(owner: str, name: str) -> ModelError:
    return ModelError(
        f"{name} is missing, a file of {owner}",
        code=ErrorCode.MODEL_NOT_FOUND,
        value=name,
        remedy="reinstall depthpaint",
    )


def _damaged(owner: str, name: str) -> ModelError:
    return ModelError(
        f"{name} is damaged, a file of {owner}",
        code=ErrorCode.MODEL_TRUNCATED,
        value=name,
        remedy="reinstall depthpaint",
    )
