"""The meaning of a map's numbers: which end is near, disparity or distance, and the unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import number_text
from depthpaint.depth.cues import CUES, SmallCopy, bend, cues
from depthpaint.depth.depth_map import METRES, DepthReading, Finding, Near, UnitChoice, metres_of
from depthpaint.depth.evidence import NO_EVIDENCE, Evidence
from depthpaint.depth.scale import RATIO, Kind
from depthpaint.formats.samples import Samples

KITTI_WIDTHS, KITTI_HEIGHTS = (1216, 1248), (352, 384)
MOST_MILLIMETRES = 12_000
"""Depth cameras measure up to ten metres."""
TUM_SIZE = (640, 480)
TUM_STEP = 5  # its files hold whole millimetres
LIKELY = 0.75
"""Some cameras count in 0.25 mm or 0.1 mm, and near the camera their numbers look like millimetres."""
LEAST_TUM_MEDIAN, LEAST_TUM_GREATEST = 8_000, 20_000


def unit_finding(
    inside: NDArray[Any],
    shape: tuple[int, int],
    metres: float | None,
    given: UnitChoice | float,
    stated_by: str,
    *,
    holes: bool,
) -> Finding | None:
    """The unit of valid distances `inside` (N,) of a map of `shape` (H, W), as metres from near to far.

    `metres` is what the user or `stated_by` states; `given` the user's choice, or "auto". `holes`: 0 stands
    for no depth, as depth cameras write it. The picture does not depend on the unit, so a likely unit is only
    reported. None if nothing is known.
    """
    low, high = float(inside.min()), float(inside.max())
    if metres is not None:
        name, sure = (given, 1.0) if given in METRES else (f"{metres:g} m", 1.0)
        evidence = "as given" if given != "auto" else f"as {stated_by} states"
    else:
        name, evidence = _likely(inside, shape, high, holes=holes)
        if not name:
            return None
        metres, sure = METRES[name], LIKELY
    span = f"{number_text(low * metres, 3)} to {number_text(high * metres, 3)} m"
    return Finding(aspect="unit", value=f"{name}: {span}", confidence=sure, evidence=evidence, flag="--unit")


def _likely(inside: NDArray[Any], shape: tuple[int, int], high: float, *, holes: bool) -> tuple[str, str]:
    if inside.dtype.kind not in "iu" or inside.dtype.itemsize < 2:
        return "", ""
    height, width = shape
    if KITTI_WIDTHS[0] <= width <= KITTI_WIDTHS[1] and KITTI_HEIGHTS[0] <= height <= KITTI_HEIGHTS[1]:
        return "kitti", "a picture as large as KITTI's"
    in_millimetres = float((inside % TUM_STEP == 0).mean()) > 0.99  # 4000 a metre may look alike otherwise
    if high <= MOST_MILLIMETRES and holes and not in_millimetres:
        return "mm", f"integers up to {high:.0f} with 0 for holes, as most depth cameras write millimetres"
    like_tum = float(np.median(inside)) >= LEAST_TUM_MEDIAN and LEAST_TUM_GREATEST <= high < 65_535
    if like_tum and (width, height) == TUM_SIZE and in_millimetres:
        return "tum", f"a picture as large as TUM's, with multiples of 5 up to {high:.0f} (5000 a metre)"
    return "", ""


# Logistic regression without an intercept on maps of rendered worlds, each as it is and inverted
# (training/near_study.py), and on the files of doctor_bench whose scenes are there to choose by, together
# with the weights in evidence.py.
WEIGHTS = (1.7, -0.1, 2.5, -0.7, 1.0, 0.8, 0.4, 3.0, 2.6, 4.6, 3.0, 2.0)


@dataclass(frozen=True, slots=True)
class NearGuess:
    """Which end is near, the confidence (0.5 to 1), and the cues with the largest weights, in words."""

    near: Near
    confidence: float
    evidence: str


def guess_near(small: SmallCopy, evidence: Evidence = NO_EVIDENCE) -> NearGuess:
    """Weigh the numbers' own evidence and the cues of a small copy.

    Where they contradict each other the confidence is low.
    """
    parts = np.asarray(WEIGHTS) * cues(*small)
    total = float(parts.sum()) - evidence.total
    confidence = float(1 / (1 + np.exp(-abs(total))))
    sign = 1 if total >= 0 else -1
    order = np.argsort(-np.abs(parts))
    strongest = [f"{CUES[k]} ({sign * parts[k]:+.1f})" for k in order[:3] if abs(parts[k]) >= 0.1]
    if evidence.reasons:
        strongest.insert(0, f"{' and '.join(evidence.reasons)} ({-sign * evidence.total:+.1f})")
    return NearGuess("white" if total >= 0 else "black", confidence, ", ".join(strongest) or "no clear cue")


STRAIGHT = -0.15
"""Surfaces that bend less than this (`bend`) are straight: disparity."""
MOST_RATIO = 1e6
LEAST_NEAREST = 0.01
"""Distances that start nearer than this share of their maximum were stretched, and have no zero point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The near end, the kind, metres per stored number (None if unknown), with the findings for both.

    `measured` is that of Evidence. `infinity_is_unknown`: the format writes infinity where stereo matching
    failed, not for the sky.
    """

    near: Near
    kind: Kind
    metres: float | None
    near_finding: Finding
    kind_finding: Finding
    infinity_is_unknown: bool
    measured: bool

    def far_over_near(self, low: float, high: float) -> float:
        """How many times as far the far end of stored numbers from `low` to `high` is.

        RATIO if unknown: for disparity, and for distances without a zero point.
        """
        if self.kind == "disparity" or self.near == "white" or low <= 0:
            return RATIO
        lost = low <= LEAST_NEAREST * high and self.metres is None
        return RATIO if lost or high <= low * (1 + 1e-9) else min(high / low, MOST_RATIO)


def meaning_of(
    samples: Samples,
    inside: NDArray[Any],
    small: SmallCopy,
    reading: DepthReading,
    evidence: Evidence,
) -> Meaning:
    """Conclude from the user's settings, then from what the file states, then from the map itself.

    `inside` are its valid numbers (N,), `small` is a small copy of it, `evidence` what they say themselves.
    """
    metres = samples.metres if reading.unit == "auto" else metres_of(reading.unit)
    kind_given, kind_evidence = _stated_kind(samples, metres, reading)
    if reading.allow_constant and reading.near == "auto" and float(inside.min()) == float(inside.max()):
        near = Finding(
            aspect="near", value="white", confidence=1.0, evidence="the map is flat", flag="--near"
        )
    else:
        near = _near(small, kind_given, kind_evidence, reading, evidence)
    kind = _kind(small, near, kind_given, kind_evidence, evidence)
    return Meaning(
        near="white" if near.value == "white" else "black",
        kind="distance" if kind.value == "distance" else "disparity",
        metres=metres,
        near_finding=near,
        kind_finding=kind,
        infinity_is_unknown=samples.quantity == "disparity",
        measured=evidence.measured,
    )


def _stated_kind(samples: Samples, metres: float | None, reading: DepthReading) -> tuple[Kind | None, str]:
    if reading.kind != "auto":
        return reading.kind, "as given"
    if metres is not None:
        return "distance", "numbers with a unit are distances"
    if samples.quantity is not None:
        return samples.quantity, f"as {samples.stated_by} states"
    return None, ""


def _near(
    small: SmallCopy,
    kind: Kind | None,
    stated: str,
    reading: DepthReading,
    evidence: Evidence,
) -> Finding:
    if reading.near != "auto":
        return Finding(aspect="near", value=reading.near, confidence=1.0, evidence="as given", flag="--near")
    if kind is not None and stated != "as given":
        # A kind given by the user may be inverted ("1 - distance"); a unit or a format's definition is not.
        near: Near = "black" if kind == "distance" else "white"
        return Finding(aspect="near", value=near, confidence=1.0, evidence=f"{kind}, {stated}", flag="--near")
    guess = guess_near(small, evidence)
    return Finding(
        aspect="near", value=guess.near, confidence=guess.confidence, evidence=guess.evidence, flag="--near"
    )


def _kind(
    small: SmallCopy,
    near: Finding,
    given: Kind | None,
    stated: str,
    evidence: Evidence,
) -> Finding:
    value, sure, why = given, 1.0, stated
    if value is None and near.value == "white":
        # Estimators and depth networks write disparity; hardly any other source has white as the near end.
        value, sure, why = "disparity", 0.9, "near is white, as estimators write it"
    elif value is None and evidence.raw_kinect:
        value, sure, why = (
            "disparity",
            0.95,
            "inverted: a Kinect's raw numbers grow as minus 1 / distance does",
        )
    elif value is None and evidence.curved >= 1:
        value, sure, why = "distance", 0.95, evidence.reasons[-1]
    elif value is None:
        bends = bend(1 - small.values, small.valid)
        if bends < STRAIGHT:
            value, sure, why = "distance", 0.95, f"surfaces bend as distances do ({bends:.2f})"
        elif evidence.measured:
            value, sure, why = (
                "distance",
                0.8,
                "near is black, and the numbers do not fill their type's range",
            )
        else:
            value, sure, why = (
                "disparity",
                0.6,
                f"inverted: surfaces do not bend as distances do ({bends:.2f})",
            )
    return Finding(aspect="kind", value=value, confidence=sure, evidence=why, flag="--kind")
