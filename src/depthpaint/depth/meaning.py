"""What a map's numbers mean: which end is near, and whether they are disparity or distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.depth_map import Near
from depthpaint.depth.finding import Finding
from depthpaint.depth.formats.samples import Samples
from depthpaint.depth.kind import bend
from depthpaint.depth.nearness import guess_near
from depthpaint.depth.reading import METRES, DepthReading
from depthpaint.depth.scale import RATIO, Kind

STRAIGHT = -0.15
"""Surfaces that bend less than this (kind.bend) are straight: disparity."""
MOST_RATIO = 1e6
LEAST_NEAREST = 0.01
"""Distances that begin nearer than this share of their greatest have lost their zero: they were stretched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The near end, the kind, metres a stored number (None where nobody said), with the findings for both.

    `infinity_is_unknown`: the format writes infinity where stereo matching failed, not where there is sky.
    """

    near: Near
    kind: Kind
    metres: float | None
    near_finding: Finding
    kind_finding: Finding
    infinity_is_unknown: bool

    def far_over_near(self, low: float, high: float) -> float:
        """How many times as far the far end of stored numbers from `low` to `high` is.

        RATIO where nobody can know: of disparity, and of distances that have lost their zero.
        """
        if self.kind == "disparity" or self.near == "white" or low <= 0:
            return RATIO
        lost = low <= LEAST_NEAREST * high and self.metres is None
        return RATIO if lost or high <= low * (1 + 1e-9) else min(high / low, MOST_RATIO)


def meaning_of(
    samples: Samples,
    inside: NDArray[Any],
    small: tuple[NDArray[np.float32], NDArray[np.bool_]],
    reading: DepthReading,
) -> Meaning:
    """Conclude from what was told, then from what the file states, then from the map itself.

    `inside` are its valid numbers (N,), `small` is a small copy of it.
    """
    metres = samples.metres if reading.unit == "auto" else METRES[reading.unit]
    kind_told, kind_says = _stated_kind(samples, metres, reading)
    near = _near(small, kind_told, kind_says, reading)
    kind = _kind(small, near, kind_told, kind_says, measured=_looks_measured(inside))
    return Meaning(
        near="white" if near.value == "white" else "black",
        kind="distance" if kind.value == "distance" else "disparity",
        metres=metres,
        near_finding=near,
        kind_finding=kind,
        infinity_is_unknown=samples.quantity == "disparity",
    )


def _is_flat(small: tuple[NDArray[np.float32], NDArray[np.bool_]]) -> bool:
    """Whether a small copy holds one value only."""
    values, valid = small
    return not valid.any() or float(np.ptp(values[valid])) == 0


def _looks_measured(inside: NDArray[Any]) -> bool:
    """Whether numbers look like lengths: positive, and not stretched over what their type can hold."""
    low, high = float(inside.min()), float(inside.max())
    if inside.dtype.kind == "f":
        return low > 0 and high > 1.5
    return inside.dtype.kind in "iu" and inside.dtype.itemsize > 1 and low > 0 and high < 60_000


def _stated_kind(samples: Samples, metres: float | None, reading: DepthReading) -> tuple[Kind | None, str]:
    if reading.kind != "auto":
        return reading.kind, "as told"
    if metres is not None:
        return "distance", "numbers that have a unit are distances"
    if samples.quantity is not None:
        return samples.quantity, f"as {samples.stated_by} states"
    return None, ""


def _near(
    small: tuple[NDArray[np.float32], NDArray[np.bool_]], kind: Kind | None, says: str, reading: DepthReading
) -> Finding:
    if reading.near != "auto":
        return Finding(aspect="near", value=reading.near, confidence=1.0, evidence="as told", flag="--near")
    if kind is not None and says != "as told":
        # Told kinds may be inverted ones ("1 - distance"); what has a unit or stands in a format is not.
        near: Near = "black" if kind == "distance" else "white"
        return Finding(aspect="near", value=near, confidence=1.0, evidence=f"{kind}, {says}", flag="--near")
    if reading.allow_constant and _is_flat(small):
        return Finding(
            aspect="near", value="white", confidence=1.0, evidence="the map is flat", flag="--near"
        )
    guess = guess_near(*small)
    return Finding(
        aspect="near", value=guess.near, confidence=guess.confidence, evidence=guess.evidence, flag="--near"
    )


def _kind(
    small: tuple[NDArray[np.float32], NDArray[np.bool_]],
    near: Finding,
    told: Kind | None,
    says: str,
    *,
    measured: bool,
) -> Finding:
    value, sure, why = told, 1.0, says
    if value is None and near.value == "white":
        # Estimators and depth networks write disparity; hardly anybody else makes the near end white.
        value, sure, why = "disparity", 0.9, "near is white, as estimators write it"
    elif value is None:
        values, valid = small
        bends = bend(1 - values, valid)
        if bends < STRAIGHT:
            value, sure, why = "distance", 0.95, f"surfaces bend as distances do ({bends:.2f})"
        elif measured:
            value, sure, why = "distance", 0.8, "near is black, and the numbers fill no range of their type"
        else:
            value, sure, why = (
                "disparity",
                0.6,
                f"inverted: surfaces do not bend as distances do ({bends:.2f})",
            )
    return Finding(aspect="kind", value=value, confidence=sure, evidence=why, flag="--kind")
