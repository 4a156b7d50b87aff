"""What has become of a batch's pictures, and who is told."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from depthpaint.core.errors import DepthpaintError
from depthpaint.verify.choosing import Wish


@dataclass(slots=True)
class Tally:
    """What has become of the pictures so far. `bad_rows` could not be asked for at all.

    `agreements` are the rank correlations of those whose depth was looked at, painted now or before;
    `below` counts those that agree less than was wished.
    """

    painted: int = 0
    there: int = 0
    failed: int = 0
    bad_rows: int = 0
    agreements: array[float] = field(default_factory=lambda: array("f"))
    below: int = 0

    def judge(self, agreement: float, wish: Wish) -> None:
        """Count a picture's agreement."""
        self.agreements.append(agreement)
        self.below += wish.is_missed_by(agreement)

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
