"""What a failed download is told as: one sentence that says what to do, and never a token."""

from __future__ import annotations

import errno

from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError, OutputError
from depthpaint.core.files import is_full
from depthpaint.models.hub_part import HubPart

BUSY = frozenset({408, 429, 500, 502, 503, 504})
_NO_ENTRY = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EEXIST})
_UNAUTHORIZED, _FORBIDDEN = 401, 403


def may_pass(error: Exception) -> bool:
    """Whether another try could do better: the hub is busy, or the line broke."""
    from huggingface_hub.errors import (
        LocalTokenNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError | LocalTokenNotFoundError):
        return False
    if isinstance(error, OSError) and (is_full(error) or error.errno in _NO_ENTRY):
        return False
    status = _status(error)
    return status in BUSY if status is not None else True


def refusal(what: str, part: HubPart, otherwise: str, error: Exception) -> DepthpaintError:
    """The error for `what`, which was not downloaded because of `error`."""
    from huggingface_hub import constants

    number = error.errno if isinstance(error, OSError) else None
    full = is_full(error)
    if full or number in _NO_ENTRY:
        size = f"{part.megabytes} MB are needed; " if part.megabytes else ""
        return OutputError(
            f"cannot keep {what} in {constants.HF_HUB_CACHE}: {'the disk is full' if full else error}",
            code=ErrorCode.DISK_FULL if full else ErrorCode.OUTPUT_NOT_WRITABLE,
            remedy=f"{size}HF_HOME names another folder",
            value=constants.HF_HUB_CACHE,
        )
    code, why, remedy = _reason(part, error)
    return ModelError(
        f"cannot download {what} from {part.repository}: {why}",
        code=code,
        remedy=f"{remedy}, or {otherwise}",
        value=part.repository,
    )


def _reason(part: HubPart, error: Exception) -> tuple[ErrorCode, str, str]:
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalTokenNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, GatedRepoError):
        page = f"agree on {constants.ENDPOINT}/{part.repository} and give your token as HF_TOKEN"
        return ErrorCode.HUB_GATED, "its authors ask for an agreement first", page
    if isinstance(error, RevisionNotFoundError):
        revision = part.revision or "main"
        return ErrorCode.MODEL_NOT_FOUND, f"the hub has no revision {revision} of it", "look at HF_ENDPOINT"
    status = _status(error)
    token = "give a valid token as HF_TOKEN"
    if isinstance(error, LocalTokenNotFoundError):
        return ErrorCode.HUB_AUTH_REQUIRED, "the hub asks for a token", token
    # The hub says 401 of what is private as of what is not there at all.
    if isinstance(error, RepositoryNotFoundError):
        if status == _UNAUTHORIZED:
            return ErrorCode.HUB_AUTH_REQUIRED, "the hub does not have it, or shows it to others only", token
        return ErrorCode.MODEL_NOT_FOUND, "the hub does not have it", "look at the name and at HF_ENDPOINT"
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return ErrorCode.HUB_AUTH_REQUIRED, f"the hub refuses it ({status})", token
    answer = "the hub does not answer" if status is None else f"the hub answers with {status}"
    return ErrorCode.HUB_UNREACHABLE, answer, "look at the connection and at HF_ENDPOINT, try again"


def _status(error: BaseException | None) -> int | None:
    """The HTTP status that an error, or what caused it, came with."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__
    return None
