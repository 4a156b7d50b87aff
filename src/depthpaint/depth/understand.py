"""From decoded numbers to depth: their interpretation, the confidence, and the conversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode, number_text
from depthpaint.depth.cues import small_copy
from depthpaint.depth.depth_map import Box, DepthReading, Fill, Finding
from depthpaint.depth.evidence import evidence_of
from depthpaint.depth.frame import Frame, find_frame
from depthpaint.depth.holes import Emptiness, find_empty, inpainted, is_scattered
from depthpaint.depth.meaning import Meaning, meaning_of, unit_finding
from depthpaint.depth.numbers import Numbers, numbers_of
from depthpaint.depth.scale import Scale, Span, bits_of, debanded, find_span
from depthpaint.depth.side_by_side import depth_half
from depthpaint.depth.two_levels import TwoLevels, find_two_levels, two_levels_error
from depthpaint.formats.samples import MIN_SIDE, Samples, gray_or_colours

TREATMENTS: dict[Fill, str] = {
    "far": "put at the far plane", "inpaint": "filled from their surroundings", "free": "left to the prompt",
}  # fmt: skip
"""What becomes of unknown pixels."""


def holes_finding(
    numbers: NDArray[Any], empty: Emptiness, unknown: NDArray[np.bool_], endless: NDArray[np.bool_],
    fill: Fill, reasons: list[str],
) -> list[Finding]:  # fmt: skip
    """How much of `numbers` is unknown or endless, masks (H, W), and its treatment; empty if there is none.

    `reasons` say why there are unknown pixels, apart from marks in the numbers, and why they are filled so.
    """
    parts = list[str]()
    if lost := int(unknown.sum()):
        parts.append(f"{_percent(lost / unknown.size)} unknown, {TREATMENTS[fill]}")
    if beyond := int(endless.sum()):
        parts.append(f"{_percent(beyond / unknown.size)} infinitely far")
    if not parts:
        return []
    marks = [number_text(mark) for mark in (empty.low_mark, empty.high_mark) if mark is not None]
    stored = [f"many pixels hold exactly {' and '.join(marks)}"] if marks else []
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        stored.append("NaN or infinite as stored")
    evidence = "; ".join((*stored, *(reasons if lost else ()))) or "as stored"
    return [Finding(
        aspect="holes", value="; ".join(parts), confidence=0.95 if marks else 1.0, evidence=evidence,
        flag="--empty, --holes",
    )]  # fmt: skip


def range_finding(span: Span, scale: Scale, reading: DepthReading) -> Finding | None:
    """The used part of the numbers, if it is not all of them."""
    if isinstance(reading.range, tuple):
        evidence, cut = "as given", True
    else:
        cut = bool(span.far_cut or span.near_cut)
        evidence = (
            f"{_percent(span.far_cut)} at the far end and {_percent(span.near_cut)} at the near end "
            "are far from the rest, and would compress its range"
        )
    if not cut:
        return None
    value = f"{number_text(float(scale.low))} to {number_text(float(scale.high))}"
    return Finding(aspect="range", value=value, confidence=1.0, evidence=evidence, flag="--range")


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 or share == 0 else "less than 0.1%"


AS_GIVEN = "as given"
MOST_UNKNOWN = 0.5
"""Of the pixels; where more are unknown, they are the background of a thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What was concluded from a map (see DepthSource), and its `values`, which are computed when asked for.

    `stored` are its numbers (H, W); `proper`, `valid` and `endless` masks.
    """

    stored: NDArray[Any]
    proper: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    endless: NDArray[np.bool_]
    scale: Scale
    deband: bool
    colour_map: str
    meaning: Meaning
    levels: int
    raw_range: tuple[float, float]
    used_range: tuple[float, float]
    frame: Frame | None
    fill: Fill
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def values(self) -> NDArray[np.float32]:
        """Depth (H, W) in [0, 1], 1 = nearest, with holes filled."""
        stored = debanded(self.stored, self.proper) if self.deband else self.stored
        values = self.scale.apply(stored)
        values[self.endless] = 0
        return _closed(values, ~self.valid, self.fill)


def understand(name: str, samples: Samples, reading: DepthReading) -> Understood:
    """Interpret decoded `samples` with the user's settings. Raises DepthError.

    An uncertain near end is not an error here: see read.require_certain.
    """
    picture, opaque, frame = _framed(name, samples, reading)
    mask, alpha_notes = _mask(opaque, reading.alpha_mask)
    numbers = numbers_of(name, samples, picture, mask, reading.colour_map)
    empty = find_empty(numbers.values, mask, reading.empty, samples.empty)
    proper = _some_depth(name, numbers.values, empty)
    # If all of it is depth, a view saves a copy of a large map.
    inside = numbers.values.reshape(-1) if proper.all() else numbers.values[proper]
    meaning, two = _weighed(name, samples, numbers, empty, proper, inside, reading)
    if meaning.near == "white" and numbers.values.dtype.itemsize < 2 and empty.low_mark is not None:
        # In 8 bits 0 is the farthest depth, also below a gap.
        empty = empty.without_low()
        inside = numbers.values[empty.proper]
    unknown, endless = _placed(empty, meaning)
    fill, why = _fill_of(unknown, reading)
    low, high = inside.min(), inside.max()
    if low == high and not reading.allow_constant:
        raise _constant(name, f"every value is {low}")
    scale, span = _scale(inside, meaning, reading)
    unit = None
    if meaning.kind == "distance" and numbers.colour_map == "gray":
        unit = unit_finding(
            inside, numbers.values.shape, meaning.metres, reading.unit, samples.stated_by,
            holes=empty.low_mark == 0,
        )  # fmt: skip
    levels, bits, bit_notes = bits_of(inside, samples.bits, numbers.colour_map)
    holes = holes_finding(
        numbers.values, empty, unknown, endless, fill, [*_origins(samples, mask, reading), why]
    )
    cut, cut_notes = frame_findings(frame)
    two_notes = [f"two levels: {two}"] if two else []
    findings = (
        *cut, numbers.finding, *holes, meaning.near_finding, meaning.kind_finding, unit,
        range_finding(span, scale, reading), *bits,
    )  # fmt: skip
    return Understood(
        stored=numbers.values,
        proper=proper,
        valid=~unknown,
        endless=endless,
        scale=scale,
        deband=reading.deband,
        colour_map=numbers.colour_map,
        meaning=meaning,
        levels=levels,
        raw_range=(float(low), float(high)),
        used_range=(float(scale.low), float(scale.high)),
        frame=frame,
        fill=fill,
        findings=tuple(finding for finding in findings if finding is not None),
        notes=(*cut_notes, *alpha_notes, *numbers.notes, *bit_notes, *two_notes),
    )


def _weighed(
    name: str,
    samples: Samples,
    numbers: Numbers,
    empty: Emptiness,
    proper: NDArray[np.bool_],
    inside: NDArray[Any],
    reading: DepthReading,
) -> tuple[Meaning, TwoLevels | None]:
    """The meaning of the numbers, and the two levels if there are no more. Raises DepthError for these."""
    evidence = evidence_of(numbers.values, proper, inside, empty, samples.hint, numbers.low_is_near)
    meaning = meaning_of(samples, inside, small_copy(numbers.values, proper), reading, evidence)
    two = find_two_levels(numbers.values, proper, inside, lossy=samples.lossy)
    if two is not None and meaning.near_finding.confidence < 1 and not reading.allow_constant:
        raise two_levels_error(name, two)
    return meaning, two


def _framed(
    name: str, samples: Samples, reading: DepthReading
) -> tuple[NDArray[Any], NDArray[np.bool_] | None, Frame | None]:
    """The picture and its transparency without what surrounds the map, and the frame that was cut off."""
    frame = _frame_of(name, samples, reading)
    if frame is None:
        return samples.values, samples.opaque, None
    opaque = None if samples.opaque is None else frame.cut(samples.opaque)
    values = frame.cut(samples.values)
    if values.ndim == 3 and values.shape[2] == 3:
        values = gray_or_colours(values, lossy=samples.lossy)
    return values, opaque, frame


def frame_findings(frame: Frame | None) -> tuple[list[Finding], list[str]]:
    """The finding and the note about a frame."""
    if frame is None:
        return [], []
    box = f"{frame.right - frame.left}x{frame.bottom - frame.top} at {frame.left},{frame.top}"
    given = frame.what == AS_GIVEN
    finding = Finding(
        aspect="frame", value=box, evidence=frame.what if given else f"{frame.what} {frame.where}",
        confidence=frame.confidence, flag="--frame",
    )  # fmt: skip
    return [finding], [] if given else [f"{frame.what} {frame.where}: cut to {box}"]


def _frame_of(name: str, samples: Samples, reading: DepthReading) -> Frame | None:
    if reading.frame == "keep":
        return None
    if isinstance(reading.frame, tuple):
        return _given_frame(name, samples, reading.frame)
    frame = find_frame(samples.values)
    if frame is None and reading.colour_map not in ("rgb24", "bgr24"):
        only = None if reading.colour_map == "auto" else reading.colour_map
        frame = depth_half(name, samples.values, only, lossy=samples.lossy)
    return frame


def _given_frame(name: str, samples: Samples, box: Box) -> Frame:
    height, width = samples.values.shape[:2]
    left, top, right, bottom = box
    if right > width or bottom > height or min(right - left, bottom - top) < MIN_SIDE:
        raise DepthError(
            f"{name} is {width}x{height}, and the map in the frame {left},{top},{right},{bottom} has to be "
            f"within it and have at least {MIN_SIDE} pixels a side",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="correct --frame",
            value=f"{left},{top},{right},{bottom}",
        )
    return Frame(left, top, right, bottom, AS_GIVEN, 1.0)


def _mask(opaque: NDArray[np.bool_] | None, wanted: bool) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """The transparency as a mask of valid pixels, if requested, and notes."""
    if opaque is None or opaque.all():
        return None, ["--alpha-mask has no effect: nothing is transparent"] if wanted else []
    share = 1 - float(opaque.mean())
    if wanted:
        return opaque, [f"{share:.1%} of the pixels are transparent; they are taken as holes"]
    return None, [f"the transparency of {share:.1%} of the pixels is ignored; --alpha-mask leaves them out"]


def _some_depth(name: str, numbers: NDArray[Any], empty: Emptiness) -> NDArray[np.bool_]:
    """The pixels that hold depth, if there are any."""
    proper = empty.proper
    if not proper.any() and not empty.unknown.all() and not empty.endless.any():
        proper = ~empty.unknown  # two marker values and nothing else: then they are the map
    if proper.any():
        return proper
    if empty.unknown.all() and numbers.dtype.kind != "f":
        raise _constant(name, "it is completely transparent or empty")
    what = "NaN, transparent or empty" if empty.unknown.any() else "infinite"
    raise DepthError(
        f"{name} contains no depth: all of its values are {what}",
        code=ErrorCode.DEPTH_NOT_FINITE,
        remedy="give a map with depth in it; --empty says which numbers mean no depth",
        value=float(empty.unknown.mean()),
    )


def _origins(samples: Samples, mask: NDArray[np.bool_] | None, reading: DepthReading) -> list[str]:
    """Why pixels are unknown, apart from marks that were detected."""
    origins = ["the transparent pixels"] if mask is not None else []
    if isinstance(reading.empty, tuple) and reading.empty:
        origins.append(f"{', '.join(map(number_text, reading.empty))} as given")
    if samples.empty is not None:
        origins.append(f"{number_text(samples.empty)} as {samples.stated_by} states")
    return origins


def _fill_of(unknown: NDArray[np.bool_], reading: DepthReading) -> tuple[Fill, str]:
    """The treatment of unknown pixels (H, W), where the user leaves it open, and the reason.

    Around whole things that cover less than half of the map it is the background of a cut-out. What a lidar
    measures are points between which surfaces go on.
    """
    if reading.holes != "auto":
        return reading.holes, "treated as given"
    if reading.alpha_mask:
        return "far", "far, because they are transparent"
    if unknown.mean() <= MOST_UNKNOWN:
        return "inpaint", "filled, because they are at most half of the map"
    if is_scattered(~unknown):
        return "inpaint", "filled, because surfaces go on between scattered points"
    return "far", "far, because more than half of the map is the background of things"


def _placed(empty: Emptiness, meaning: Meaning) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pixels are unknown and which infinitely far, given the near end.

    A marker at the far end is sky or background. At the near end it would be the nearest thing of all, and is
    what sensors write for "nothing measured". In the disparity of stereo, what was not matched is unknown,
    but 0 without a gap above it is the farthest depth.
    """
    low_is_far = meaning.near == "white"
    unmatched = low_is_far and meaning.kind == "disparity" and meaning.measured
    unknown = empty.unknown | (empty.high if low_is_far else empty.low)
    endless = empty.endless | (empty.low if low_is_far else empty.high)
    if unmatched or meaning.infinity_is_unknown:
        farthest = low_is_far and empty.low_mark == 0 and not empty.apart
        sky = empty.low if farthest else np.zeros_like(endless)
        return unknown | (endless & ~sky), sky
    return unknown, endless


def _scale(inside: NDArray[Any], meaning: Meaning, reading: DepthReading) -> tuple[Scale, Span]:
    high_is_near = meaning.near == "white"
    low, high = inside.min(), inside.max()
    if isinstance(reading.range, tuple):
        span = Span(*reading.range, 0.0, 0.0)
    elif reading.range == "full":
        span = Span(low, high, 0.0, 0.0)
    else:
        span = find_span(inside, high_is_near=high_is_near, inverse=meaning.kind == "distance")
    return Scale(
        kind=meaning.kind, near=meaning.near, low=span.low, high=span.high,
        far_over_near=meaning.far_over_near(float(span.low), float(span.high)),
    ), span  # fmt: skip


def _closed(values: NDArray[np.float32], unknown: NDArray[np.bool_], fill: Fill) -> NDArray[np.float32]:
    if not unknown.any():
        return values
    if fill == "far" or unknown.all():
        values[unknown] = 0
        return values
    # Far pixels count as known: a hole in the sky is sky.
    return inpainted(values, ~unknown)


def _constant(name: str, reason: str) -> DepthError:
    return DepthError(
        f"{name} has no depth in it: {reason}",
        code=ErrorCode.DEPTH_CONSTANT,
        remedy="give a map with near and far; --allow-constant accepts a flat one",
        value=name,
    )
