"""The strength study: what obeying costs in freedom, and the least strength that obeys enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from depthpaint.core.interval import Interval, interval_of
from depthpaint.record.picture_source import pixels_of
from depthpaint.request import Request
from depthpaint.study.cell import Cell, Outcome

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
WINDOWS = ((0.0, 1.0), (0.0, 0.5))


@dataclass(frozen=True, slots=True)
class StrengthFinding:
    """One strength in one window.

    `freedom` is how different pictures of two seeds are: the root of the mean squared difference of their
    pixels, of a range of 1.
    """

    strength: float
    window: str
    rank_correlation: Interval
    detail_correlation: Interval
    freedom: Interval


def strength_cells(
    request: Request,
    *,
    seeds: int,
    strengths: Sequence[float] = STRENGTHS,
    windows: Sequence[tuple[float, float]] = WINDOWS,
) -> list[Cell]:
    """The grid: every strength in every window with every seed."""
    cells: list[Cell] = []
    for window in windows:
        for strength in strengths:
            for number in range(seeds):
                asked = request.with_seed(request.seeds[0] + number).model_copy(
                    update={"control_strength": strength, "control_window": window}
                )
                labels = {
                    "strength": strength,
                    "window": f"{window[0]:g}:{window[1]:g}",
                    "seed": asked.seeds[0],
                }
                cells.append(Cell(labels, asked))
    return cells


def strength_findings(outcomes: Sequence[Outcome]) -> list[StrengthFinding]:
    """What every strength and window came to."""
    groups: dict[tuple[str, float], list[Outcome]] = {}
    for one in outcomes:
        key = (str(one.cell.labels["window"]), float(one.cell.labels["strength"]))
        groups.setdefault(key, []).append(one)
    return [
        StrengthFinding(
            strength=strength,
            window=window,
            rank_correlation=interval_of([one.agreement.rank_correlation for one in members]),
            detail_correlation=interval_of([one.agreement.detail_correlation for one in members]),
            freedom=interval_of(_differences(members)),
        )
        for (window, strength), members in groups.items()
    ]


def least_that_reaches(findings: Sequence[StrengthFinding], wanted: float) -> StrengthFinding | None:
    """The least strength, in the shortest window, whose median rank correlation is at least `wanted`."""
    enough = [found for found in findings if found.rank_correlation.median >= wanted]
    return min(enough, key=lambda found: (found.strength, found.window), default=None)


def _differences(members: Sequence[Outcome]) -> list[float]:
    pictures = [pixels_of(one.path).astype(np.float32) / 255 for one in members]
    pairs = list(combinations(pictures, 2))
    return [float(np.sqrt(np.mean((a - b) ** 2))) for a, b in pairs] or [0.0]
