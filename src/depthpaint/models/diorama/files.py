"""diorama's files inside the package, checked against the digest that was written when they were made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from depthpaint.core.errors import ErrorCode, ModelError

FOLDER = Path(__file__).parent / "weights"
WEIGHTS = "diorama.safetensors"


@dataclass(frozen=True, slots=True)
class DioramaFiles:
    """Where the files lie, what they were when made, and the digest of the weights."""

    folder: Path
    configurations: dict[str, dict[str, Any]]
    facts: dict[str, Any]
    weights_sha256: str

    def graph(self, name: str) -> Path:
        """The ONNX graph `name`: text_encoder, adapter, unet or decoder."""
        return self.folder / f"{name}.onnx"


def diorama_facts(folder: Path = FOLDER) -> dict[str, Any]:
    """How the shipped weights were made and what they scored, without touching the weights."""
    return cast("dict[str, Any]", _document(folder)["facts"])


def open_files(folder: Path = FOLDER) -> DioramaFiles:
    """Find and check the files. Raises ModelError `model_not_found` or `model_hash_mismatch`."""
    document = _document(folder)
    weights = folder / WEIGHTS
    try:
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise _missing(weights) from error
    expected = document["weights_sha256"]
    if digest != expected:
        raise ModelError(
            f"the built-in model's weights have sha256 {digest[:10]}…, the shipped ones {expected[:10]}…",
            code=ErrorCode.MODEL_HASH_MISMATCH,
            value=digest,
            limit=expected,
            remedy="reinstall depthpaint",
        )
    return DioramaFiles(folder, document["configurations"], document["facts"], digest)


def _document(folder: Path) -> dict[str, Any]:
    path = folder / "model.json"
    try:
        return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise _missing(path) from error


def _missing(path: Path) -> ModelError:
    return ModelError(
        f"the built-in model's file {path.name} is missing",
        code=ErrorCode.MODEL_NOT_FOUND,
        value=path.name,
        remedy="reinstall depthpaint",
    )
