"""What is said of holes and of the range that is used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.emptiness import Emptiness
from depthpaint.depth.finding import Finding
from depthpaint.depth.reading import DepthReading
from depthpaint.depth.scale import Scale
from depthpaint.depth.span import Span


def holes_finding(
    empty: Emptiness, unknown: NDArray[np.bool_], endless: NDArray[np.bool_], size: int, reading: DepthReading
) -> list[Finding]:
    """How much is unknown or endless, masks (H, W), and what becomes of it; empty where there is nothing."""
    parts = list[str]()
    if lost := int(unknown.sum()):
        deed = {"far": "put at the far plane", "inpaint": "filled from what surrounds them",
                "free": "left to the sentence"}[reading.fill]  # fmt: skip
        parts.append(f"{_percent(lost / size)} unknown, {deed}")
    if beyond := int(endless.sum()):
        parts.append(f"{_percent(beyond / size)} endlessly far")
    if not parts:
        return []
    marks = [f"{mark:g}" for mark in (empty.low_mark, empty.high_mark) if mark is not None]
    evidence = (
        f"many pixels hold exactly {' and '.join(marks)}, far from all others" if marks else "as stored"
    )
    return [Finding(
        aspect="holes", value="; ".join(parts), confidence=0.95 if marks else 1.0, evidence=evidence,
        flag="--empty, --holes",
    )]  # fmt: skip


def range_finding(span: Span, scale: Scale, reading: DepthReading) -> Finding | None:
    """What of the numbers is used, where that is not all of them."""
    if isinstance(reading.range, tuple):
        evidence, cut = "as told", True
    else:
        cut = bool(span.far_cut or span.near_cut)
        evidence = (
            f"{_percent(span.far_cut)} at the far end and {_percent(span.near_cut)} at the near end "
            "lie apart from the rest, and would squash it"
        )
    if not cut:
        return None
    value = f"{float(scale.low):.4g} to {float(scale.high):.4g}"
    return Finding(aspect="range", value=value, confidence=1.0, evidence=evidence, flag="--range")


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 or share == 0 else "less than 0.1%"
