"""Files inside the package that must be what they were when they were made, by their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError

REMEDY = "reinstall depthpaint"
AT_ONCE = 16 << 20
"""Bytes that are hashed at once: between two pieces a thread waits for the interpreter, and smaller ones took
four times as long beside another thread that imports."""


def require_digest(owner: str, path: Path, expected: object) -> str:
    """The sha256 of a file, hexadecimal, which must be `expected`.

    `owner` is what the file belongs to, as an error names it. Raises ModelError: model_not_found,
    model_hash_mismatch.
    """
    digest = digest_of(owner, path)
    if digest != expected:
        raise other_digest(owner, path.name, digest, expected)
    return digest


def require_digests(owner: str, folder: Path, expected: Mapping[str, object]) -> None:
    """The same for several files of `folder`, by their names."""
    for name, digest in expected.items():
        require_digest(owner, folder / name, digest)


def digest_of(owner: str, path: Path) -> str:
    """The sha256 of a shipped file, hexadecimal. Raises ModelError model_not_found."""
    try:
        summed = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(AT_ONCE):
                summed.update(piece)
    except OSError as error:
        raise missing(owner, path.name) from error
    return summed.hexdigest()


def missing(owner: str, name: str) -> ModelError:
    """The error for a shipped file that is not there."""
    return ModelError(
        f"{name} is missing, a file of {owner}",
        code=ErrorCode.MODEL_NOT_FOUND,
        value=name,
        remedy=REMEDY,
    )


def other_digest(owner: str, name: str, digest: str, expected: object) -> ModelError:
    """The error for a shipped file that was changed."""
    return ModelError(
        f"{name} of {owner} has sha256 {digest[:10]}…, the shipped one {str(expected)[:10]}…",
        code=ErrorCode.MODEL_HASH_MISMATCH,
        value=digest,
        limit=expected,
        remedy=REMEDY,
    )
