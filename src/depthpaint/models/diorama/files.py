"""diorama's files inside the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from depthpaint.models.shipped import read_document, require_digest

FOLDER = Path(__file__).parent / "weights"
WEIGHTS = "diorama.safetensors"
_OWNER = "the built-in model"


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
    return cast("dict[str, Any]", read_document(_OWNER, folder)["facts"])


def open_files(folder: Path = FOLDER) -> DioramaFiles:
    """Find and check the files. Raises ModelError: model_not_found, model_truncated, model_hash_mismatch."""
    document = read_document(_OWNER, folder)
    digest = require_digest(_OWNER, folder / WEIGHTS, document["weights_sha256"])
    return DioramaFiles(folder, document["configurations"], document["facts"], digest)
