"""Which end of a map is near, from all cues together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.cues import CUES, Floats, cues
from depthpaint.depth.depth_map import Near

# Logistic regression without an intercept on maps of rendered worlds, each once as it is and once inverted
# (training/near_study.py fits and prints them; docs/doctor.md has the table).
WEIGHTS = (1.0, 0.9, 2.0, 0.4, 0.2, 1.0, 0.7, 0.4)


@dataclass(frozen=True, slots=True)
class NearGuess:
    """Which end is near, how sure that is (0.5 to 1), and the cues that weigh most, in words."""

    near: Near
    confidence: float
    evidence: str


def guess_near(values: Floats, valid: NDArray[np.bool_]) -> NearGuess:
    """Weigh the cues of a small copy (cues.small_copy), values (h, w) in [0, 1] and their validity."""
    parts = np.asarray(WEIGHTS) * cues(values, valid)
    total = float(parts.sum())
    confidence = float(1 / (1 + np.exp(-abs(total))))
    sign = 1 if total >= 0 else -1
    order = np.argsort(-np.abs(parts))
    told = [f"{CUES[k]} ({sign * parts[k]:+.1f})" for k in order[:3] if abs(parts[k]) >= 0.1]
    return NearGuess("white" if total >= 0 else "black", confidence, ", ".join(told) or "no cue speaks")
