"""An estimator's files on the Hugging Face hub: found in the local cache, downloaded only when told to."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.estimators.registry import EstimatorEntry

# Never a pickle: what is not in this list is not even fetched.
FILES = ["config.json", "*.safetensors", "*.safetensors.index.json"]


def local_folder(name: str, entry: EstimatorEntry) -> Path:
    """The estimator's folder in the hub's cache, without a connection. Raises ModelError offline_missing."""
    try:
        folder = Path(snapshot_download(entry.repository, allow_patterns=FILES, local_files_only=True))
    except (LocalEntryNotFoundError, FileNotFoundError) as error:
        raise _missing(name, entry) from error
    if not any(folder.glob("*.safetensors")):
        raise _missing(name, entry)
    return folder


def pull(name: str, entry: EstimatorEntry) -> Path:
    """Download the estimator's safetensors and configuration; what is there already is not fetched again.

    Raises ModelError: hub_unreachable, hub_gated, model_not_found.
    """
    try:
        return Path(snapshot_download(entry.repository, allow_patterns=FILES))
    except GatedRepoError as error:
        raise _refused(name, entry, ErrorCode.HUB_GATED, "its authors ask for an agreement first") from error
    except RepositoryNotFoundError as error:
        raise _refused(name, entry, ErrorCode.MODEL_NOT_FOUND, "the hub does not have it") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise _refused(name, entry, ErrorCode.HUB_UNREACHABLE, "the hub does not answer") from error


def _missing(name: str, entry: EstimatorEntry) -> ModelError:
    return ModelError(
        f"the estimator {name} is not on this machine",
        code=ErrorCode.OFFLINE_MISSING,
        remedy=f"depthpaint models pull {name} fetches {entry.megabytes} MB ({entry.licence}); "
        "or name a folder with --estimator",
        value=entry.repository,
    )


def _refused(name: str, entry: EstimatorEntry, code: ErrorCode, why: str) -> ModelError:
    return ModelError(
        f"cannot download {name} from {entry.repository}: {why}",
        code=code,
        remedy="look at the connection and at HF_ENDPOINT, or name a copied folder with --estimator",
        value=entry.repository,
    )
