"""What the numbers of a map say themselves of near and far, before any look at the picture.

Every score is a log-odds for "the numbers are distances, so small is near", in nats; 0 is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.holes import Emptiness, looks_measured, some_of
from depthpaint.formats.samples import Quantity

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

SIDE = 160  # pixels of the longer side of the copy on which surfaces are fitted
WINDOW, STRIDE = 12, 6
STEEP, ROUGH = 0.02, 0.15
"""A window counts if it has one surface: a slope of this share of its depth, and little left over."""
LEAST_KNOWN = 0.75
"""Of a window; holes of sensors are small and many."""
MODEL_ERROR = 0.25
"""How far curved things move the median of a whole map."""
LEAST, MOST, CURVED = -2.0, 4.0, 1.0
"""Limits of one map's evidence from planes, and its weight. Disparities may also have been inverted."""
HINT, VIEWER_HINT = 2.0, 3.0
"""Of a name in the file, and of a viewer's colours, which users can choose."""
KINECT = 2047.0
INDOORS = 20.0
"""Metres."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Log-odds that the numbers are distances with small near, and the reasons in words.

    `curved` is the part that surfaces give. `measured`: the numbers look like lengths or pixels, and are not
    stretched. `raw_kinect`: they are a Kinect's own steps, which grow as minus 1 / distance does.
    """

    total: float
    curved: float
    reasons: tuple[str, ...]
    measured: bool = False
    raw_kinect: bool = False


NO_EVIDENCE = Evidence(0.0, 0.0, ())


def evidence_of(
    numbers: NDArray[Any], proper: Mask, inside: NDArray[Any], empty: Emptiness, hint: Quantity | None,
    low_is_near: str = "",
) -> Evidence:  # fmt: skip
    """Weigh what the numbers (H, W) are; `inside` are those of `proper`, a mask (H, W).

    `empty` are the marks that lie outside it, `hint` what a name in the file suggests, `low_is_near` why
    its colours say that the low end is near, "" if they do not.
    """
    measured = looks_measured(inside)
    found = [(VIEWER_HINT, low_is_near)] if low_is_near else []
    found += [each for each in _reasons(numbers, inside, empty, hint, measured=measured) if each[0]]
    curved, raw = 0.0, measured and inside.dtype.kind in "iu" and empty.high_mark == KINECT
    if not raw and (measured or _has_zero(inside, empty)):
        planes, spread = planes_of(numbers, proper)
        if planes is not None and (measured or planes > 0.5):
            lean = 2 * float(np.clip(planes, -0.5, 1.5)) - 1
            curved = CURVED * float(np.clip(lean / (2 * (spread**2 + MODEL_ERROR**2)), LEAST, MOST))
            what = "distances" if curved > 0 else "disparities"
            found.append((curved, f"planes bend as {what} do ({planes:.2f})"))
    total = sum(score for score, _ in found)
    reasons = tuple(words for score, words in found if abs(score) >= 0.3)
    return Evidence(total, curved, reasons, measured, raw)


def _has_zero(inside: NDArray[Any], empty: Emptiness) -> bool:
    """Whether numbers (N,) that may be stretched can be distances from zero all the same.

    Small floats that do not begin at 0 or end at 1, and 8 bits that begin far above a mark of 0.
    """
    if inside.dtype.itemsize < 2:
        return empty.low_mark == 0
    return inside.dtype.kind == "f" and float(inside.min()) > 0 and float(inside.max()) != 1


def _reasons(
    numbers: NDArray[Any], inside: NDArray[Any], empty: Emptiness, hint: Quantity | None, *, measured: bool
) -> Iterator[tuple[float, str]]:
    """The scores of single facts, with their words."""
    if hint is not None:
        yield (HINT if hint == "distance" else -HINT), f"the name suggests {hint}"
    background = bool(empty.endless.any()) and bool(np.isfinite(numbers[empty.endless]).any())
    yield (0.6 if background else 0.0), "the background of a renderer"
    black = inside.dtype.itemsize < 2 and empty.low_mark == 0 and float(empty.low.mean()) > 0.5
    yield (-1.0 if black else 0.0), "8 bits on a black background"
    if not measured:
        return
    if inside.dtype.kind in "iu":
        yield 1.0, "integers that do not fill their type"
        yield (2.4 if empty.low_mark == 0 else 0.0), "0 where nothing was measured"
        yield (4.0 if empty.high_mark == KINECT else 0.0), "2047, the mark of a Kinect's raw numbers"
    else:
        indoors = float(np.quantile(some_of(inside), 0.99)) < INDOORS
        yield (1.7 if indoors else 0.0), f"numbers up to {INDOORS:g}, as metres in rooms"
        yield (0.3 if np.isnan(numbers).any() else 0.0), "NaN"


def planes_of(numbers: NDArray[Any], proper: Mask) -> tuple[float | None, float]:
    """How smooth surfaces bend, relative to planes in distances from zero, and the standard error.

    Along its slope s, a plane in z = 1 / (a x + b) has z'' = 2 s^2 / z, and one in disparity has none. A
    quadratic is fitted to every window of a small copy (h, w). The measure is the median of z'' z / (2 s^2)
    over the windows with one surface: 1 in distances, 0 in disparities.
    """
    values, known = block_means(numbers, proper)
    patches, weights = _windows(values, known)
    if len(patches) < 8:
        return None, 1.0
    y, x = (axis.ravel() / (WINDOW / 2) - 1 for axis in np.mgrid[0:WINDOW, 0:WINDOW].astype(np.float64))
    basis = np.stack((np.ones_like(x), x, y, x * x, x * y, y * y), axis=1)
    weighted = (weights[:, :, None] * basis).transpose(0, 2, 1)
    solved = np.linalg.solve(weighted @ basis, weighted @ patches[..., None])
    fitted = np.asarray(solved[..., 0], dtype=np.float64)
    squares = weights * (patches - fitted @ basis.T) ** 2
    rough = np.sqrt(squares.sum(axis=1) / weights.sum(axis=1))
    centre, right, down, xx, xy, yy = fitted.T
    slope = np.hypot(right, down)
    one = (slope > STEEP * centre) & (rough < ROUGH * slope) & (centre > 0) & (slope**2 > 0)
    if one.sum() < 8:
        return None, 1.0
    square = slope[one] ** 2
    second = (
        2 * (xx[one] * right[one] ** 2 + xy[one] * right[one] * down[one] + yy[one] * down[one] ** 2) / square
    )
    shares = second * centre[one] / (2 * square)
    middle = float(np.median(shares))
    # The windows overlap by half on each side: a quarter of them are independent.
    spread = 1.4826 * float(np.median(np.abs(shares - middle)))
    return middle, 1.25 * spread / float(np.sqrt(len(shares) / 4))


def block_means(numbers: NDArray[Any], proper: Mask) -> tuple[Floats, Mask]:
    """Means of the valid numbers in blocks, (h, w), at most SIDE a side; valid where most of a block is.

    They are scaled by a power of two to at most 1, so that squares do not overflow.
    """
    block = max(1, -(-max(numbers.shape) // SIDE))
    skip = max(1, block // 4)  # a quarter of the numbers of a side are enough for a mean
    sparse, known = numbers[::skip, ::skip], proper[::skip, ::skip]
    block = max(1, -(-max(sparse.shape) // SIDE))
    height, width = (side // block for side in sparse.shape)
    cut = (slice(height * block), slice(width * block))
    four = (height, block, width, block)
    valid = known[cut].reshape(four)
    with np.errstate(invalid="ignore"):
        values = np.where(valid, sparse[cut].reshape(four), 0).astype(np.float64)
    values = np.ldexp(values, -np.frexp(np.abs(values).max(initial=0))[1])
    count = valid.sum(axis=(1, 3))
    means = values.sum(axis=(1, 3)) / np.maximum(count, 1)
    return means, count >= 0.6 * block * block


def _windows(values: Floats, known: Mask) -> tuple[Floats, Floats]:
    """The windows that are known but for some holes, (N, WINDOW * WINDOW), and 1 where they are known."""
    if min(values.shape) < WINDOW:
        return np.empty((0, WINDOW * WINDOW)), np.empty((0, WINDOW * WINDOW))
    size = (WINDOW, WINDOW)
    masks = np.lib.stride_tricks.sliding_window_view(known, size)[::STRIDE, ::STRIDE]
    kept = masks.mean(axis=(2, 3)) >= LEAST_KNOWN
    views = np.lib.stride_tricks.sliding_window_view(values, size)[::STRIDE, ::STRIDE]
    flat = (-1, WINDOW * WINDOW)
    return views[kept].reshape(flat), masks[kept].reshape(flat).astype(np.float64)
