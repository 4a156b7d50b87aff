"""What of a map's numbers spans far to near: all of them, but for a few that would squash the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEAR_TAIL = 0.001
"""Near things may be small, and are what a picture is about: only a thousandth is ever cut there."""
FAR_TAIL = 0.05
GAP = 0.005
FAR_SQUASH, NEAR_SQUASH = 0.2, 0.5
"""How much of the rest's range a gap, or of the whole range a near tail, has to take up to be cut."""

FEWEST = 400
"""Numbers, below which a tail of a share is no number of pixels to speak of."""

_SAMPLE = 1 << 20


@dataclass(frozen=True, slots=True)
class Span:
    """The stored numbers at both ends, and how much of the map lies beyond them, far and near, in [0, 1]."""

    low: Any
    high: Any
    far_cut: float
    near_cut: float


def find_span(values: NDArray[Any], *, high_is_near: bool, inverse: bool) -> Span:
    """Choose the ends for the valid numbers `values` (N,).

    `inverse`: they are distances, and what counts is their inverse; where `high_is_near` they are distances
    counted from the far end, of which nothing can be said.
    """
    low, high = values.min(), values.max()
    if low == high or values.dtype.kind == "b" or values.size < FEWEST:
        return Span(low, high, 0.0, 0.0)
    sample = np.sort(values[:: max(1, values.size // _SAMPLE)])
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        wide = np.concatenate(([low], sample, [high])).astype(np.float64)
        nearness: NDArray[np.float64] = -1 / wide if inverse and not high_is_near and low > 0 else wide
        # Ascending from low to high; a tail at the low end is far if the high end is near.
        rise = nearness / 4  # so that no difference overflows
        at_low, at_high = (_far_tail, _near_tail) if high_is_near else (_near_tail, _far_tail)
        below, above = at_low(rise), at_high(-rise[::-1])
    last = len(sample) - 1
    if below + above >= 0.5 * len(sample):
        return Span(low, high, 0.0, 0.0)
    ends = (sample[below - 1] if below else low), (sample[last - above + 1] if above else high)
    cuts = below / len(sample), above / len(sample)
    far, near = cuts if high_is_near else cuts[::-1]
    return Span(*ends, far, near) if ends[0] < ends[1] else Span(low, high, 0.0, 0.0)


def _far_tail(rise: NDArray[np.float64]) -> int:
    """How many of the lowest of `rise` (ascending) to leave out because a gap parts them from the rest.

    A gap is a stretch that a two-hundredth of the map at most lies in. Slopes run out towards an end, but not
    as thinly as that: in the corner of a plane a tenth of the range holds as many.
    """
    bulk, top, few = int(FAR_TAIL * len(rise)), int(0.95 * len(rise)) - 1, max(1, int(GAP * len(rise)))
    inner = float(rise[top] - rise[bulk])
    if inner < 0.05 * float(rise[-1] - rise[0]):
        return _near_tail(rise)
    widths = rise[few : bulk + few] - rise[:bulk]
    widest = int(np.argmax(widths))
    return widest + few if float(widths[widest]) > FAR_SQUASH * inner else _near_tail(rise)


def _near_tail(rise: NDArray[np.float64]) -> int:
    """How many of the lowest of `rise` to leave out because a thousandth takes up half of the range."""
    few = max(1, int(NEAR_TAIL * len(rise)))
    gap, whole = rise[few] - rise[0], rise[-1] - rise[0]
    if gap <= NEAR_SQUASH * whole or rise[few] == rise[-1] or rise[few] >= rise[int(0.9 * len(rise))]:
        return 0
    return few
