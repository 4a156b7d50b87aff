"""Which commit of a repository something in the hub's cache is, told from where it lies."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

_REPOSITORY, _SNAPSHOTS = "models--", "snapshots"


def commits_of(places: Iterable[Path]) -> dict[str, str]:
    """The commits by repository (owner/name); what lies outside the hub's cache has none."""
    found: dict[str, str] = {}
    for place in places:
        for (folder, below), commit in zip(pairwise(place.parts), place.parts[2:], strict=False):
            if folder.startswith(_REPOSITORY) and below == _SNAPSHOTS:
                found[folder.removeprefix(_REPOSITORY).replace("--", "/", 1)] = commit
    return found
