"""What has become of a batch's pictures, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from depthpaint.core.errors import DepthpaintError


@dataclass(slots=True)
class Tally:
    """What has become of the pictures so far. `bad_rows` could not be asked for at all."""

    painted: int = 0
    there: int = 0
    failed: int = 0
    bad_rows: int = 0

    @property
    def done(self) -> int:
        """Pictures that are there, or will not be."""
        return self.painted + self.there + self.failed


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told: of each picture's file and warnings, of each failure by its line, and of the advance.

    `advance` has the tally and the seconds that are left, None where nobody knows yet.
    """

    picture: Callable[[Path, tuple[str, ...]], None]
    failure: Callable[[int, DepthpaintError], None]
    advance: Callable[[Tally, float | None], None]
