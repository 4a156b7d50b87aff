"""An estimator's files on the Hugging Face hub: found in the local cache, downloaded only when told to."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError, OutputError
from depthpaint.models.estimators.folder import CONFIGURATION, open_folder
from depthpaint.models.estimators.registry import HubEntry, require_pinned

# Never a pickle: what is not in this list is not even fetched.
FILES = [CONFIGURATION, "*.safetensors", "*.safetensors.index.json"]
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_ENTRY = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EEXIST})
_UNAUTHORIZED, _FORBIDDEN = 401, 403


def local_folder(name: str, entry: HubEntry) -> Path:
    """The estimator's folder in the hub's cache, without a connection. Raises ModelError offline_missing."""
    try:
        folder = Path(
            snapshot_download(
                entry.repository, revision=entry.revision, allow_patterns=FILES, local_files_only=True
            )
        )
    except (LocalEntryNotFoundError, FileNotFoundError) as error:
        raise _missing(name, entry) from error
    # What an interrupted download left is not there either.
    if not (folder / CONFIGURATION).exists() or not any(folder.glob("*.safetensors")):
        raise _missing(name, entry)
    return folder


def pull(name: str, entry: HubEntry) -> Path:
    """Download the estimator's safetensors and configuration; what is there already is not fetched again.

    Raises ModelError: hub_unreachable, hub_auth_required, hub_gated, model_not_found, offline_missing (where
    HF_HUB_OFFLINE forbids it), model_hash_mismatch, and what open_folder raises; OutputError.
    """
    if constants.HF_HUB_OFFLINE:
        return _local_at_least(name, entry)
    # It tells of every attempt; the last one is what we tell.
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    try:
        folder = Path(snapshot_download(entry.repository, revision=entry.revision, allow_patterns=FILES))
    # The library, its HTTP client and its faster ways to download raise no closed set of classes.
    except Exception as error:
        raise _refused(name, entry, error) from error
    require_pinned(name, entry, open_folder(folder).weights_sha256)
    return folder


def _local_at_least(name: str, entry: HubEntry) -> Path:
    try:
        return local_folder(name, entry)
    except ModelError as error:
        raise ModelError(
            f"the estimator {name} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it",
            code=ErrorCode.OFFLINE_MISSING,
            remedy="unset HF_HUB_OFFLINE, or name a copied folder with --estimator",
            value=entry.repository,
        ) from error


def _missing(name: str, entry: HubEntry) -> ModelError:
    return ModelError(
        f"the estimator {name} is not on this machine",
        code=ErrorCode.OFFLINE_MISSING,
        remedy=f"depthpaint models pull {name} fetches {entry.megabytes} MB ({entry.licence}); "
        "without a connection, name a copied folder with --estimator",
        value=entry.repository,
    )


def _refused(name: str, entry: HubEntry, error: Exception) -> DepthpaintError:
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL or number in _NO_ENTRY:
        full = number in _FULL
        return OutputError(
            f"cannot keep {name} in {constants.HF_HUB_CACHE}: {'the disk is full' if full else error}",
            code=ErrorCode.DISK_FULL if full else ErrorCode.OUTPUT_NOT_WRITABLE,
            remedy=f"{entry.megabytes} MB are needed; HF_HOME names another folder",
            value=constants.HF_HUB_CACHE,
        )
    code, why, remedy = _reason(entry, error)
    return ModelError(
        f"cannot download {name} from {entry.repository}: {why}",
        code=code,
        remedy=f"{remedy}, or name a copied folder with --estimator",
        value=entry.repository,
    )


def _reason(entry: HubEntry, error: Exception) -> tuple[ErrorCode, str, str]:
    if isinstance(error, GatedRepoError):
        page = f"agree on {constants.ENDPOINT}/{entry.repository}"
        return ErrorCode.HUB_GATED, "its authors ask for an agreement first", page
    if isinstance(error, RevisionNotFoundError):
        revision = entry.revision or "main"
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
