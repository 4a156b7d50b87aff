"""Files on the Hugging Face hub: found in the local cache, downloaded only when told to.

HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE and HF_TOKEN mean what huggingface_hub says; there is no cache but its.
"""

from __future__ import annotations

import errno
import logging
import time
from pathlib import Path

from huggingface_hub import constants, snapshot_download  # pyright: ignore[reportUnknownVariableType]
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError, OutputError
from depthpaint.core.files import sha256_of
from depthpaint.models.hub_part import HubPart

PAUSES = (1.0, 3.0)
"""Seconds before another try, where the hub is busy or the line broke; what was fetched is kept."""
BUSY = frozenset({429, 500, 502, 503, 504})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_ENTRY = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EEXIST})
_UNAUTHORIZED, _FORBIDDEN = 401, 403


def local_folder(what: str, part: HubPart, otherwise: str) -> Path:
    """Where `part` lies in the hub's cache, without a connection. Raises ModelError offline_missing.

    `what` is its name for people, `otherwise` the way around a download, for the remedy.
    """
    try:
        folder = Path(
            snapshot_download(
                part.repository, revision=part.revision, allow_patterns=part.patterns, local_files_only=True
            )
        )
    except (LocalEntryNotFoundError, FileNotFoundError) as error:
        raise _missing(what, part, otherwise) from error
    # What an interrupted download left is not there either.
    if not any(folder.rglob("*.json")) or not _weights(folder, part):
        raise _missing(what, part, otherwise)
    return folder


def pull(what: str, part: HubPart, otherwise: str) -> Path:
    """Download `part`; what is there already is not fetched again, what was cut goes on.

    Raises ModelError: hub_unreachable, hub_auth_required, hub_gated, model_not_found, offline_missing (where
    HF_HUB_OFFLINE forbids it), model_hash_mismatch; OutputError where nothing can be kept.
    """
    if constants.HF_HUB_OFFLINE:
        return _local_at_least(what, part, otherwise)
    # It tells of every attempt; the last one is what we tell.
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    pauses = iter(PAUSES)
    while True:
        try:
            folder = Path(
                snapshot_download(part.repository, revision=part.revision, allow_patterns=part.patterns)
            )
        # The library, its HTTP client and its faster ways to download raise no closed set of classes.
        except Exception as error:
            pause = next(pauses, None)
            if pause is None or not _may_pass(error):
                raise _refused(what, part, otherwise, error) from error
            time.sleep(pause)
        else:
            require_pinned(folder, part)
            return folder


def require_pinned(folder: Path, part: HubPart) -> None:
    """Raise ModelError model_hash_mismatch unless the files in `folder` have the digests that are known."""
    for name, digest in part.sha256.items():
        found = sha256_of(folder / name)
        if found != digest:
            raise ModelError(
                f"{name} of {part.repository} has sha256 {found[:10]}…, the published one {digest[:10]}…",
                code=ErrorCode.MODEL_HASH_MISMATCH,
                remedy="delete it from the hub's cache and pull it again; or name a folder of other weights",
                value=found,
                limit=digest,
            )


def _weights(folder: Path, part: HubPart) -> list[Path]:
    return [file for pattern in part.weights for file in folder.glob(pattern)]


def _local_at_least(what: str, part: HubPart, otherwise: str) -> Path:
    try:
        return local_folder(what, part, otherwise)
    except ModelError as error:
        raise ModelError(
            f"{what} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it",
            code=ErrorCode.OFFLINE_MISSING,
            remedy=f"unset HF_HUB_OFFLINE, or {otherwise}",
            value=part.repository,
        ) from error


def _missing(what: str, part: HubPart, otherwise: str) -> ModelError:
    size = f"{part.megabytes} MB, " if part.megabytes else ""
    return ModelError(
        f"{what} is not on this machine",
        code=ErrorCode.OFFLINE_MISSING,
        remedy=f"depthpaint models pull {what.rpartition(' ')[2]} fetches it ({size}{part.licence}); "
        f"without a connection, {otherwise}",
        value=part.repository,
    )


def _may_pass(error: Exception) -> bool:
    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError):
        return False
    if isinstance(error, OSError) and error.errno in _FULL | _NO_ENTRY:
        return False
    status = _status(error)
    return status in BUSY if status is not None else True


def _refused(what: str, part: HubPart, otherwise: str, error: Exception) -> DepthpaintError:
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL or number in _NO_ENTRY:
        full = number in _FULL
        return OutputError(
            f"cannot keep {what} in {constants.HF_HUB_CACHE}: {'the disk is full' if full else error}",
            code=ErrorCode.DISK_FULL if full else ErrorCode.OUTPUT_NOT_WRITABLE,
            remedy=f"{part.megabytes} MB are needed; HF_HOME names another folder",
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
    if isinstance(error, GatedRepoError):
        page = f"agree on {constants.ENDPOINT}/{part.repository}"
        return ErrorCode.HUB_GATED, "its authors ask for an agreement first", page
    if isinstance(error, RevisionNotFoundError):
        revision = part.revision or "main"
        return ErrorCode.MODEL_NOT_FOUND, f"the hub has no revision {revision} of it", "look at HF_ENDPOINT"
    if isinstance(error, RepositoryNotFoundError):
        return ErrorCode.MODEL_NOT_FOUND, "the hub does not have it", "look at HF_ENDPOINT"
    status = _status(error)
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return ErrorCode.HUB_AUTH_REQUIRED, f"the hub refuses it ({status})", "give a valid token as HF_TOKEN"
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
