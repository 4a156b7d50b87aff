"""The depth map that a picture is compared with, read as recorded if it is the recorded one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depthpaint.core.regular_file import STDIN
from depthpaint.core.setting import settings_of
from depthpaint.depth.depth_map import DepthMap, DepthReading
from depthpaint.depth.read import require_certain
from depthpaint.engine import Engine
from depthpaint.formats.decode import Source, bytes_of, name_of
from depthpaint.record.run_record import RunRecord
from depthpaint.request import reading_from

_CONCLUSIONS = ("near", "kind", "colour_map", "range", "holes")
_OUTDATED = {
    "part": _CONCLUSIONS,
    "frame_index": _CONCLUSIONS,
    "from_photo": _CONCLUSIONS,
    "colour_map": ("near", "kind", "range", "holes"),
    "unit": ("near", "kind"),
    "kind": ("near",),
}
"""Conclusions of a record that no longer hold if a setting is given."""


@dataclass(frozen=True, slots=True)
class Requested:
    """A depth map, whether it was read as the picture's record says, and the fields that the user gave."""

    depth: DepthMap
    recorded: bool
    given: tuple[str, ...]

    @property
    def reading(self) -> str:
        """Which reading was used, in words."""
        base = "as recorded" if self.recorded else "anew, not as recorded"
        flags = [settings_of(DepthReading)[name].flag_of(name) for name in self.given]
        return f"{base}, with {' '.join(flags)}" if flags else base


def requested_depth(
    engine: Engine, source: Source | DepthMap, record: RunRecord | None, given: Mapping[str, object],
    remedy: str,
) -> Requested:  # fmt: skip
    """Read the depth map of a picture with this record.

    The recorded reading is for the recorded file, which is known by its digest. Another file is read afresh:
    its near end, unit or holes may be different. What is `given`, settings by field, counts in both cases. A
    DepthMap was read already. Raises DepthpaintError, also if the near end is not certain.
    """
    recorded = False
    if isinstance(source, DepthMap):
        depth = source
    else:
        reading = reading_from(given, remedy)
        if record is not None:
            source, digest = _digested(source, reading.max_pixels)
            recorded = digest == record.digests.depth
        if record is not None and recorded:
            reading = reading_from(_combined(record.settings.reading, given), remedy)
        depth = engine.read(source, reading)
    require_certain(depth.source)
    named = tuple(name for name in given if name != "max_pixels")
    return Requested(depth, recorded, named)


def _digested(source: Source, max_pixels: int) -> tuple[Source, str]:
    """The source, as bytes if it can be read once only, and its digest."""
    data = bytes_of(source, max_pixels)
    lasting = isinstance(source, str | os.PathLike) and Path(name_of(source)) != Path(STDIN)
    return source if lasting else data, hashlib.sha256(data).hexdigest()


def _combined(recorded: DepthReading, given: Mapping[str, object]) -> dict[str, Any]:
    """The recorded reading with what is given, and without the conclusions that depend on that."""
    outdated = {name for each in given for name in _OUTDATED.get(each, ())}
    kept = {name: value for name, value in recorded.model_dump().items() if name not in outdated}
    return {**kept, **given}
