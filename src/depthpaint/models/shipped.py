"""Models inside the package: a folder with a document of how its files were made, and their digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.core.shipped_file import REMEDY, missing, other_digest

DOCUMENT = "model.json"
OWN_DIGEST = "document_sha256"
"""The digest of everything else in the document: a changed setting changes pictures, too."""


def read_document(owner: str, folder: Path) -> dict[str, Any]:
    """What `model.json` in `folder` says of a model, without reading its weights.

    `owner` is the model, as an error names it. Raises ModelError: model_not_found, model_truncated,
    model_hash_mismatch.
    """
    try:
        document: object = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    except OSError as error:
        raise missing(owner, DOCUMENT) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(owner) from error
    if not isinstance(document, dict):
        raise _damaged(owner)
    found = cast("dict[str, Any]", document)
    expected, digest = found.pop(OWN_DIGEST, None), _digest(found)
    if expected != digest:
        raise other_digest(owner, DOCUMENT, digest, expected)
    return found


def write_document(folder: Path, document: Mapping[str, object]) -> None:
    """Write `model.json` with its own digest, as read_document wants it."""
    told = {**document, OWN_DIGEST: _digest(json.loads(json.dumps(document)))}
    (folder / DOCUMENT).write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _digest(document: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _damaged(owner: str) -> ModelError:
    return ModelError(
        f"{DOCUMENT} is damaged, a file of {owner}",
        code=ErrorCode.MODEL_TRUNCATED,
        value=DOCUMENT,
        remedy=REMEDY,
    )
