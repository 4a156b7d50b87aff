"""Which licences a person has been shown: each is told at the first pull of its repository."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from depthpaint.core.errors import OutputError
from depthpaint.core.files import write_atomic
from depthpaint.models.hub_environment import require_sound_environment
from depthpaint.models.hub_part import HubPart

FILE = "depthpaint-licences.json"
"""Beside the hub's cache, so that it comes and goes with it: licences by repository."""
LONGEST = 1_000_000


def is_new(part: HubPart) -> bool:
    """Whether this licence of the repository was never shown; one that has changed was not."""
    return part.licence not in _shown().get(part.repository, [])


def remember(parts: Sequence[HubPart]) -> None:
    """Note that the licences were shown. What cannot be noted is shown again, which is no reason to fail."""
    shown = _shown()
    for part in parts:
        known = shown.setdefault(part.repository, [])
        known += [] if part.licence in known else [part.licence]
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(shown, indent=1, sort_keys=True).encode(), overwrite=True)
    except (OSError, OutputError):
        return


def _shown() -> dict[str, list[str]]:
    try:
        with _file().open(encoding="utf-8") as stream:
            document: object = json.loads(stream.read(LONGEST))
    # Missing, no text, no JSON, or brackets without end: then nothing was shown.
    except (OSError, ValueError, RecursionError):
        return {}
    known = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    lists = {name: cast("list[object]", told) for name, told in known.items() if isinstance(told, list)}
    return {name: [str(licence) for licence in told] for name, told in lists.items()}


def _file() -> Path:
    require_sound_environment()
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).parent / FILE
