"""From stored numbers to nearness in [0, 1]: actual levels, range, scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.depth_map import Finding, Near

Numbers = NDArray[Any]
Floats = NDArray[np.float64]

WORTHWHILE_LEVELS = 128
MOST_LEVELS = 4096
_REACHES = (16, 8, 4, 2, 1, 8, 4, 2, 1, 4, 2, 1, 2, 1, 1)


def debanded(numbers: Numbers, valid: NDArray[np.bool_]) -> Floats:
    """`numbers` (H, W) as float64 with the steps between neighbouring levels smoothed, edges kept.

    Every number stays within half a level of the stored one, the largest error of rounding; only neighbours
    at most one level apart are averaged, so that edges stay in place.
    If there are no steps (more than MOST_LEVELS levels) nothing changes.
    """
    levels = np.unique(numbers[valid])
    if not 2 < len(levels) <= MOST_LEVELS:
        return numbers.astype(np.float64)
    places = _places(levels.astype(np.float64))
    rank = places[np.searchsorted(levels, np.where(valid, numbers, levels[0]))]
    smooth = rank.copy()
    for reach in _REACHES:
        smooth = _averaged(smooth, rank, valid, reach).clip(rank - 0.5, rank + 0.5)
    spread = np.interp(smooth, places, levels.astype(np.float64))
    return np.where(valid, spread, numbers)


def _places(levels: Floats) -> Floats:
    """The position of each level on a scale of steps: uneven ones (a gamma) count one each, gaps several.

    A gap is where no pixel has the levels between: an edge, and not a step.
    """
    steps = np.diff(levels)
    around = np.pad(steps, 2, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(around, 5), axis=1)
    usual = np.minimum(usual, 2 * np.median(steps))
    return np.concatenate(([0.0], np.cumsum(np.where(steps <= 1.75 * usual, 1.0, 3.0))))


def _averaged(smooth: Floats, rank: Floats, valid: NDArray[np.bool_], reach: int) -> Floats:
    """The mean of each pixel and its neighbours at `reach`, in pairs that are both at most one level away.

    Single neighbours would bias a slope towards their side.
    """
    total, weight = smooth.copy(), np.ones_like(smooth)
    for axis in (0, 1):
        if rank.shape[axis] <= 2 * reach:
            continue
        before, here, after = (
            tuple(slice(start, stop) if k == axis else slice(None) for k in (0, 1))
            for start, stop in ((None, -2 * reach), (reach, -reach), (2 * reach, None))
        )
        alike = valid[before] & valid[here] & valid[after]
        alike &= (np.abs(rank[before] - rank[here]) <= 1) & (np.abs(rank[after] - rank[here]) <= 1)
        total[here] += np.where(alike, smooth[before] + smooth[after], 0)
        weight[here] += 2 * alike
    return total / weight


def distinct(values: NDArray[Any]) -> int:
    """The number of different values in `values` (N,)."""
    if values.dtype.kind == "b":
        return len({bool(values.min()), bool(values.max())})
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        return int(np.count_nonzero(np.bincount(values.astype(np.int32) - int(values.min()))))
    ordered = np.sort(values.astype(values.dtype.newbyteorder("="), copy=False))
    return 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def bits_of(
    values: NDArray[Any], container: int, colour_map: str
) -> tuple[int, tuple[Finding, ...], tuple[str, ...]]:
    """The number of levels of the valid `values` (N,), findings, and notes."""
    levels = distinct(values)
    findings, notes = list[Finding](), list[str]()
    used = (levels - 1).bit_length()
    if colour_map == "gray" and container == 16 and values.dtype.kind in "iu":
        if note := _narrower(values):
            findings.append(
                Finding(aspect="bits", value=f"{used} of 16", confidence=0.95, evidence=note, flag="")
            )
            notes.append(note)
    if 2 < levels <= WORTHWHILE_LEVELS:
        note = (
            f"only {levels} different depths: expect steps; export 16 bits or floats, or smooth with --deband"
        )
        findings.append(
            Finding(
                aspect="banding", value=f"{levels} levels", confidence=1.0, evidence=note, flag="--deband"
            )
        )
        notes.append(note)
    return levels, tuple(findings), tuple(notes)


def _narrower(values: NDArray[Any]) -> str:
    """The original type of numbers converted to 16 bits, if detectable."""
    some = values[:: max(1, values.size // 100_000)].astype(np.int64)
    if (some % 257 == 0).all() or (some % 256 == 0).all():
        return "a 16-bit file of 8-bit data: every number is a multiple of 256 or 257"
    if int(values.max()) == 32_768:
        return "a 16-bit file of 15-bit data (0 to 32768), as Photoshop writes it"
    return ""


NEAR_TAIL = 0.001
"""Near things may be small but important: only a thousandth is cut at the near end."""
FAR_TAIL = 0.05
GAP = 0.005
FAR_SQUASH, NEAR_SQUASH = 0.2, 0.5
"""The share of the rest's range for a gap, or of the whole range for a near tail, to be cut."""

FEWEST = 400
"""Numbers, below which a share is too few pixels for a tail."""

_SAMPLE = 1 << 20


@dataclass(frozen=True, slots=True)
class Span:
    """The stored numbers at both ends, and the shares of the map beyond them, far and near, in [0, 1]."""

    low: Any
    high: Any
    far_cut: float
    near_cut: float


def find_span(values: NDArray[Any], *, high_is_near: bool, inverse: bool) -> Span:
    """Choose the ends for the valid numbers `values` (N,).

    `inverse`: they are distances, and their inverse is used; with `high_is_near` they are distances
    counted from the far end, whose true scale is unknown.
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
    """How many of the lowest of `rise` (ascending) to cut because a gap separates them from the rest.

    A gap is a stretch with at most a two-hundredth of the map. Slopes thin out towards an end, but not
    as much as that: in the corner of a plane a tenth of the range contains as many.
    """
    bulk, top, few = int(FAR_TAIL * len(rise)), int(0.95 * len(rise)) - 1, max(1, int(GAP * len(rise)))
    inner = float(rise[top] - rise[bulk])
    if inner < 0.05 * float(rise[-1] - rise[0]):
        return _near_tail(rise)
    widths = rise[few : bulk + few] - rise[:bulk]
    widest = int(np.argmax(widths))
    return widest + few if float(widths[widest]) > FAR_SQUASH * inner else _near_tail(rise)


def _near_tail(rise: NDArray[np.float64]) -> int:
    """How many of the lowest of `rise` to cut because a thousandth takes up half of the range."""
    few = max(1, int(NEAR_TAIL * len(rise)))
    gap, whole = rise[few] - rise[0], rise[-1] - rise[0]
    if gap <= NEAR_SQUASH * whole or rise[few] == rise[-1] or rise[few] >= rise[int(0.9 * len(rise))]:
        return 0
    return few


Kind = Literal["disparity", "distance"]

RATIO = 10.0
"""The assumed ratio of the far to the near plane for distances without a zero point."""

_PIXELS_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The conversion of stored numbers to disparity.

    `low` and `high` are stored numbers, the ends of the used range; `near` says which of them is near. With
    the kind "disparity" nearness is linear between them. With "distance" it is linear in 1 / z (Ranftl et al.
    1907.01341, eq. 3), where z runs from 1 at the near end to `far_over_near` at the far one.
    """

    kind: Kind
    near: Near
    low: Any
    high: Any
    far_over_near: float = RATIO

    def apply(self, numbers: Numbers) -> NDArray[np.float32]:
        """Nearness, float32 (H, W) in [0, 1], of `numbers` (H, W); values beyond an end are clipped."""
        values = np.empty(numbers.shape, dtype=np.float32)
        for rows in blocks(numbers.shape):
            values[rows] = self._apply(numbers[rows])
        return values

    def _apply(self, block: Numbers) -> NDArray[np.float64]:
        if self.low == self.high:
            return np.full(block.shape, 0.5)
        share = np.clip(stretched(block, self.low, self.high), 0, 1)
        if self.near == "black":
            share = 1 - share
        if self.kind == "disparity":
            return share
        farthest = self.far_over_near
        z = 1 + (1 - share) * (farthest - 1)
        return np.clip((1 / z - 1 / farthest) / (1 - 1 / farthest), 0, 1)


def stretched(block: Numbers, low: Any, high: Any) -> NDArray[np.float64]:
    """(block - low) / (high - low) in float64, without wrapping or overflow at the ends of any type."""
    if block.dtype.kind in "iu" and block.dtype.itemsize == 8 and not isinstance(low, float):
        # Differences modulo 2^64 are exact for signed and unsigned alike; float64 would merge neighbours at
        # 2^60.
        difference = block.astype(np.uint64) - np.asarray(low).astype(np.uint64)
        return np.where(block < low, 0.0, difference.astype(np.float64) / float(int(high) - int(low)))
    with np.errstate(over="ignore", invalid="ignore"):  # NaN and infinity are replaced later
        wide, start, span = block.astype(np.float64), float(low), float(high) - float(low)
        if np.isinf(span):
            wide, start, span = wide / 2, start / 2, float(high) / 2 - start / 2
        return (wide - start) / span


def blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of rows of about a million pixels, so that float64 intermediates stay small."""
    rows = max(1, _PIXELS_AT_ONCE // shape[1])
    return (slice(top, top + rows) for top in range(0, shape[0], rows))
