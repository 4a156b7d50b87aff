"""diorama's files inside the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from depthpaint.core.regular_file import read_document, require_digest, require_digests

FOLDER = Path(__file__).parent / "weights"
WEIGHTS, TOKENIZER = "diorama.safetensors", "tokenizer.json"
ENCODER = "encoder"
GRAPHS: tuple[str, ...] = ("text_encoder", "adapter", "unet", "decoder", ENCODER)
SMALL_FILES: tuple[str, ...] = (*(f"{name}.onnx" for name in GRAPHS), TOKENIZER)
"""All files but the weights and the document."""
DIGESTS = "sha256"
"""The document's key for the digests of SMALL_FILES, by name."""
OWNER = "the built-in model"


@dataclass(frozen=True, slots=True)
class DioramaFiles:
    """The folder of the files, their facts, and the digest of the weights."""

    folder: Path
    configurations: dict[str, dict[str, Any]]
    facts: dict[str, Any]
    weights_sha256: str

    def graph(self, name: str) -> Path:
        """The ONNX graph `name`: text_encoder, adapter, unet, decoder or encoder."""
        return self.folder / f"{name}.onnx"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's file."""
        return self.folder / TOKENIZER


def diorama_facts(folder: Path = FOLDER) -> dict[str, Any]:
    """How the shipped weights were made and their scores, without reading the weights."""
    return cast("dict[str, Any]", read_document(OWNER, folder)["facts"])


def open_files(folder: Path = FOLDER) -> DioramaFiles:
    """Find and check the files. Raises ModelError: model_not_found, model_truncated, model_hash_mismatch."""
    document = read_document(OWNER, folder)
    require_digests(OWNER, folder, _digests(document))
    digest = require_digest(OWNER, folder / WEIGHTS, document.get("weights_sha256"))
    return DioramaFiles(folder, document["configurations"], document["facts"], digest)


def tokenizer_file(folder: Path = FOLDER) -> Path:
    """The tokenizer's file alone, checked as by open_files, without reading the weights."""
    digests = _digests(read_document(OWNER, folder))
    require_digest(OWNER, folder / TOKENIZER, digests[TOKENIZER])
    return folder / TOKENIZER


def _digests(document: dict[str, Any]) -> dict[str, object]:
    digests = cast("dict[str, object]", document.get(DIGESTS, {}))
    return {name: digests.get(name) for name in SMALL_FILES}
