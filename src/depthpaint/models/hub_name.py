"""What people call a repository on the hub: owner/name, and after an @ which revision of it is meant."""

from __future__ import annotations

import re

from depthpaint.models.hub_part import HubPart

_WORD = r"(?!\.)[\w.-]+"
_NAME = re.compile(rf"(?P<repository>{_WORD}/{_WORD})(?:@(?P<revision>{_WORD}(?:/{_WORD})*))?")
LICENCE = "its own licence"


def part_named(name: str) -> HubPart | None:
    """All of the repository that `name` means; None where it is no hub id.

    A revision is a commit, a tag or a branch; without one it is whatever "main" is.
    """
    said = _NAME.fullmatch(name)
    return None if said is None else HubPart(said["repository"], 0, LICENCE, revision=said["revision"])
