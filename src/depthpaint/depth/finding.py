"""One thing that was concluded about a depth file, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Aspect = Literal["frame", "colour_map", "holes", "near", "kind", "unit", "range", "bits", "banding"]
LEAST_CONFIDENCE = 0.75
"""Below it, what decides the picture is refused rather than guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A conclusion. `confidence` is in [0, 1], 1 for what was told or what the file itself states.

    `evidence` says in words what it rests on; `flag` is what overrides it on the command line.
    """

    aspect: Aspect
    value: str
    confidence: float
    evidence: str
    flag: str
