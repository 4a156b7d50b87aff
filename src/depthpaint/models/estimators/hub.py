"""An estimator's files on the hub."""

from __future__ import annotations

from pathlib import Path

from depthpaint.models import hub
from depthpaint.models.estimators.folder import open_folder
from depthpaint.models.estimators.registry import HubEntry, require_pinned

OTHERWISE = "name a copied folder with --estimator"


def local_folder(name: str, entry: HubEntry) -> Path:
    """The estimator's folder in the hub's cache, without a connection. Raises ModelError offline_missing."""
    return hub.local_folder(f"the estimator {name}", entry.part, OTHERWISE)


def pull(name: str, entry: HubEntry, *, bars: bool = False) -> Path:
    """Download the estimator; raises what hub.pull and open_folder raise."""
    folder = hub.pull(f"the estimator {name}", entry.part, OTHERWISE, bars=bars)
    require_pinned(name, entry, open_folder(folder).weights_sha256)
    return folder
