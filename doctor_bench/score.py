"""What a reader concludes from a sample, compared with the truth: right, wrong, or asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from multiprocessing import get_context
from typing import Literal

import numpy as np
from numpy.typing import NDArray

import depthpaint
from depthpaint.depth.depth_map import METRES, DepthMap, DepthSource
from doctor_bench.corpus import Sample, make_sample
from doctor_bench.files import Box
from doctor_bench.geometry import Floats
from doctor_bench.scenes import KINDS, Half

Outcome = Literal["right", "wrong", "asked", "unknown", ""]
"""`unknown`: no unit is claimed. "": the question does not arise."""
QUESTIONS = ("near", "kind", "unit", "marks", "frame")
RANK = 0.5
"""The least rank correlation with the truth at which the near end is right."""
MOST_MISSED, MOST_INVENTED = 0.02, 0.01
"""The shares of the pixels without depth that may be taken for depth, and of the others the other way."""
FARTHEST = 0.02
_AT_ONCE = 20  # samples that a process takes
EDGE = 3  # pixels by which a box may be off: a line around the map is cut with it


@dataclass(frozen=True)
class Row:
    """One sample's outcomes. `confidence` and `guess` are of the near end, whether answered or not.

    `guess` is whether the near end that was concluded is the true one, None where it cannot be compared;
    `error` the code of a refusal.
    """

    number: int
    scene: str
    half: str
    storage: str
    container: str
    mark: str
    near: Outcome
    kind: Outcome
    unit: Outcome
    marks: Outcome
    frame: Outcome
    near_is: str
    concluded: str
    confidence: float | None
    guess: bool | None
    error: str


@dataclass(frozen=True)
class Reader:
    """The functions that are measured: both take the bytes of a file."""

    read: Callable[[bytes], DepthMap]
    inspect: Callable[[bytes], DepthSource]


DOCTOR = Reader(lambda data: depthpaint.read_depth(data), lambda data: depthpaint.inspect(data))


def judged(sample: Sample, reader: Reader = DOCTOR) -> Row:
    """Read a sample without hints and compare. A refusal counts as asked, for every question."""
    try:
        depth = reader.read(sample.data)
    except depthpaint.DepthError as error:
        source = _looked(sample, reader) if error.code == depthpaint.ErrorCode.DEPTH_AMBIGUOUS else None
        return _row(sample, ("asked",) * len(QUESTIONS), source, None, str(error.code))
    source = depth.source
    box = box_of(source, sample)
    near = _near(sample, depth, box)
    outcomes = (
        near,
        _kind(sample, source),
        _unit(sample, source),
        _marks(sample, depth, box),
        _frame(sample, source),
    )
    return _row(sample, outcomes, source, near == "right", "")


def _looked(sample: Sample, reader: Reader) -> DepthSource | None:
    try:
        return reader.inspect(sample.data)
    except depthpaint.DepthError:
        return None


def _row(
    sample: Sample, outcomes: tuple[Outcome, ...], source: DepthSource | None, right: bool | None, error: str
) -> Row:
    stored = sample.stored
    concluded = "" if source is None else "large" if source.near == "white" else "small"
    finding = None if source is None else source.finding("near")
    guess = right
    if guess is None and stored.near_is and concluded:
        guess = stored.near_is == concluded
    near, kind, unit, marks, frame = outcomes
    return Row(
        number=sample.number, scene=sample.scene, half=sample.half, storage=sample.storage,
        container=sample.container, mark=stored.mark, near=near, kind=kind if stored.quantity else "",
        unit=unit, marks=marks, frame=frame, near_is=stored.near_is, concluded=concluded,
        confidence=None if finding is None else finding.confidence, guess=guess, error=error,
    )  # fmt: skip


def box_of(source: DepthSource, sample: Sample) -> Box:
    """The box of the file that was kept, from the finding; all of it if nothing was cut."""
    height, width = sample.stored.numbers.shape[:2]
    finding = source.finding("frame")
    match = None if finding is None else re.search(r"(\d+)\s*x\s*(\d+) at (\d+),(\d+)", finding.value)
    if match is None:
        return 0, 0, width, height
    across, down, left, top = map(int, match.groups())
    return left, top, left + across, top + down


def _true_box(sample: Sample) -> Box:
    height, width = sample.stored.numbers.shape[:2]
    return sample.stored.box or (0, 0, width, height)


def _overlap(values: NDArray[np.generic], of: Box, other: Box) -> NDArray[np.generic]:
    """The part of `values`, which cover the box `of`, that lies in `other`, too."""
    left, top = max(of[0], other[0]), max(of[1], other[1])
    right, bottom = min(of[2], other[2]), min(of[3], other[3])
    return values[top - of[1] : bottom - of[1], left - of[0] : right - of[0]]


def _near(sample: Sample, depth: DepthMap, box: Box) -> Outcome:
    true = _true_box(sample)
    known = ~np.asarray(_overlap(sample.stored.empty, true, box), bool)
    if known.sum() < 16:
        return "wrong"  # all that holds depth was cut off
    truth = np.asarray(_overlap(sample.nearness, true, box), float)[known]
    found = np.asarray(_overlap(depth.values, box, true), float)[known]
    return "right" if rank_correlation(truth, found) >= RANK else "wrong"


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's, of (N,) each, on at most some 20,000 of them; 0 if one is constant."""
    step = max(1, len(one) // 20_000)
    ranks = [_ranks(values[::step]) for values in (one, other)]
    if min(float(np.ptp(values)) for values in ranks) == 0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def _kind(sample: Sample, source: DepthSource) -> Outcome:
    return "right" if source.kind == sample.stored.quantity else "wrong"


def _unit(sample: Sample, source: DepthSource) -> Outcome:
    claimed = claimed_unit(source)
    if claimed is None:
        return "unknown"
    metres = sample.stored.metres
    return "right" if metres is not None and abs(claimed / metres - 1) < 0.01 else "wrong"


def claimed_unit(source: DepthSource) -> float | None:
    """Metres per stored step, as the source or its finding names them; None if they do not."""
    if source.metres is not None:
        return source.metres
    finding = source.finding("unit")
    if finding is None:
        return None
    name = finding.value.partition(":")[0].strip()
    number = re.fullmatch(r"([0-9.e+-]+) m", name)
    return float(number[1]) if number else METRES.get(name)


def _marks(sample: Sample, depth: DepthMap, box: Box) -> Outcome:
    true = _true_box(sample)
    empty = np.asarray(_overlap(sample.stored.empty, true, box), bool)
    valid = np.asarray(_overlap(depth.valid, box, true), bool)
    known = ~empty
    if known.any() and float((~valid)[known].mean()) > MOST_INVENTED:
        return "wrong"
    if not empty.any():
        return "right"
    noticed = ~valid[empty]
    if sample.stored.means == "either":
        noticed |= np.asarray(_overlap(depth.values, box, true), float)[empty] <= FARTHEST
    return "right" if float(noticed.mean()) >= 1 - MOST_MISSED else "wrong"


def _frame(sample: Sample, source: DepthSource) -> Outcome:
    found, true = box_of(source, sample), _true_box(sample)
    tolerance = 0 if sample.stored.box is None else EDGE
    return "right" if all(abs(a - b) <= tolerance for a, b in zip(found, true, strict=True)) else "wrong"


def numbers_of(half: Half | None, many: int) -> list[int]:
    """The numbers of the first `many` samples, of one half of the kinds of scene or of all."""
    halves = [kind.half for kind in KINDS.values()]
    return list(islice((k for k in count() if half is None or halves[k % len(halves)] == half), many))


def measured(numbers: Sequence[int], seed: int, processes: int) -> Iterator[list[Row]]:
    """The rows of samples, some at a time, in their order.

    It is not in `__main__`, which new processes do not import.
    """
    parts = [(list(numbers[k : k + _AT_ONCE]), seed) for k in range(0, len(numbers), _AT_ONCE)]
    if processes == 1:
        yield from map(_part, parts)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_part, parts)


def _part(part: tuple[list[int], int]) -> list[Row]:
    numbers, seed = part
    return [judged(make_sample(number, seed)) for number in numbers]
