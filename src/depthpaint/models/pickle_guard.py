"""Weights files that run code when they are read: refused by what is in them, whatever they are called."""

from __future__ import annotations

from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.weights import PICKLES

_ZIP, _TAR = b"PK\x03\x04", b"ustar"
_LEGACY = b"\x80"
"""Protocol 2 and later; the length of a safetensors header may begin so, too."""
_HEAD = 263
_TAR_AT = 257


def refuse_pickle(path: Path) -> None:
    """Raise ModelError pickle_refused where `path` is a file that holds a pickle, or is called like one."""
    if not path.is_file():
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror}", code=ErrorCode.MODEL_NOT_FOUND, value=str(path)
        ) from error
    if path.suffix.lower() in PICKLES or _is_pickle(head):
        raise ModelError(
            f"{path.name} holds pickled weights, which can run code and are never read",
            code=ErrorCode.PICKLE_REFUSED,
            remedy="look for a copy in safetensors, or convert it where you trust it: torch.load(..., "
            "weights_only=True), then safetensors.torch.save_file",
            value=str(path),
        )


def _is_pickle(head: bytes) -> bool:
    if head.startswith(_ZIP) or head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return True
    # A safetensors file has its JSON header's "{" as the ninth byte.
    return head.startswith(_LEGACY) and head[8:9] != b"{"
