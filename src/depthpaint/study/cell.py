"""One picture of a study: what is asked, what was varied, and what came out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from depthpaint.inputs.request import GenerationRequest
from depthpaint.record.sections import AgreementFacts
from depthpaint.study.look import Look

Label = str | float | int


@dataclass(frozen=True, slots=True)
class Cell:
    """A request for one picture, and the `labels` that say where it stands in the study's grid."""

    labels: Mapping[str, Label]
    request: GenerationRequest

    def key(self, depth_sha256: str, weights_sha256: str) -> str:
        """A name of what decides the picture: the request, the depth file's bytes, the weights."""
        asked = self.request.model_dump(mode="json", exclude={"depth"}, exclude_unset=True)
        text = json.dumps([asked, depth_sha256, weights_sha256], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a cell.

    `mirrored` is the correlation of detail with the asked depth turned left to right, which a picture that
    obeys the depth has no reason to reach; `asked_repetition` is how much of itself the depth repeats.
    """

    cell: Cell
    path: Path
    seconds: float
    agreement: AgreementFacts
    mirrored: float
    look: Look
    asked_repetition: float
