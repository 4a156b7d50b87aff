"""One picture of a study: what is asked, what was varied, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from depthpaint.record.sections import AgreementFacts
from depthpaint.request import Request
from depthpaint.study.look import Look

Label = str | float | int


@dataclass(frozen=True, slots=True)
class Cell:
    """A request for one picture, and the `labels` that say where it stands in the study's grid."""

    labels: Mapping[str, Label]
    request: Request


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a cell.

    `mirrored` is the correlation of detail with the asked depth turned left to right, which a picture that
    obeys the depth has no reason to reach; `asked_repetition` is how much of itself the depth repeats.
    """

    cell: Cell
    path: Path
    agreement: AgreementFacts
    mirrored: float
    look: Look
    asked_repetition: float
