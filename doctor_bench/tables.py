"""The rows of a run as tables: per storage, per kind of scene, near against far, and calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.table import Table

from depthpaint.depth.depth_map import LEAST_CONFIDENCE
from doctor_bench.score import QUESTIONS, Row

FEWEST = 200
"""Answers in a bin of the calibration; smaller bins are merged with a neighbour."""
ENDS = (LEAST_CONFIDENCE, 0.8, 0.85, 0.9, 0.95, 0.98, 0.995, 1.0001)


COLUMNS = (
    "n", "answered", "near right", "near wrong", "asked", "refused", "kind wrong", "unit right", "unit wrong",
    "marks wrong", "frame wrong",
)  # fmt: skip
"""`asked`: the near end is not certain. `refused`: any other error of the depth map."""


@dataclass(frozen=True)
class Bin:
    """Answers with a confidence of `low` to below `high`: number, mean confidence, how many are right."""

    low: float
    high: float
    answers: int
    stated: float
    right: int

    @property
    def share(self) -> float:
        """Of right answers."""
        return self.right / max(1, self.answers)


def calibration(rows: Sequence[Row], fewest: int = FEWEST) -> list[Bin]:
    """The confidence of the answers about the near end, and how often they are right."""
    answers = [(row.confidence, row.near == "right") for row in rows if row.near in ("right", "wrong")]
    known = [(confidence, right) for confidence, right in answers if confidence is not None]
    bins: list[Bin] = []
    for low, high in pairwise(ENDS):
        inside = [(confidence, right) for confidence, right in known if low <= confidence < high]
        total = sum(confidence for confidence, _ in inside)
        mean = total / max(1, len(inside))
        bins.append(Bin(low, high, len(inside), mean, sum(right for _, right in inside)))
    return merged(bins, fewest)


def merged(bins: Sequence[Bin], fewest: int) -> list[Bin]:
    """The same with every bin of under `fewest` answers joined to its smaller neighbour."""
    left = [each for each in bins if each.answers]
    while len(left) > 1 and min(each.answers for each in left) < fewest:
        k = min(range(len(left)), key=lambda place: left[place].answers)
        beside = [place for place in (k - 1, k + 1) if 0 <= place < len(left)]
        other = min(beside, key=lambda place: left[place].answers)
        first, second = left[min(k, other)], left[max(k, other)]
        count = first.answers + second.answers
        stated = (first.stated * first.answers + second.stated * second.answers) / count
        joined = Bin(first.low, second.high, count, stated, first.right + second.right)
        left[min(k, other) : max(k, other) + 1] = [joined]
    return left


def summary(rows: Sequence[Row]) -> dict[str, float]:
    """For each question the share of samples that are answered, and of the answers that are right.

    A unit that is not named is no answer, and not wrong.
    """
    numbers: dict[str, float] = {"samples": len(rows)}
    for question in QUESTIONS:
        outcomes = [getattr(row, question) for row in rows]
        answered = [outcome for outcome in outcomes if outcome in ("right", "wrong")]
        asked = outcomes.count("asked")
        numbers[f"{question} answered"] = len(answered) / max(
            1, len(answered) + asked + outcomes.count("unknown")
        )
        numbers[f"{question} right"] = answered.count("right") / max(1, len(answered))
    return numbers


def outcome_table(title: str, rows: Sequence[Row], key: Callable[[Row], str]) -> Table:
    """A line for each value of `key`: how the near end was answered, and what is wrong elsewhere."""
    table = Table(title=title)
    table.add_column(title.split(",")[0])
    for name in COLUMNS:
        table.add_column(name, justify="right")
    groups = list(dict.fromkeys(map(key, rows)))
    for group in [*sorted(groups), "all"]:
        some = [row for row in rows if group == "all" or key(row) == group]
        table.add_row(group, *_counts(some), end_section=group == "all")
    return table


def _counts(rows: Sequence[Row]) -> list[str]:
    right, wrong = (sum(row.near == outcome for row in rows) for outcome in ("right", "wrong"))
    answered = right + wrong
    ambiguous = sum(row.error == "depth_ambiguous" for row in rows)

    def count(question: str, outcome: str) -> str:
        return str(sum(getattr(row, question) == outcome for row in rows) or "")

    return [
        str(len(rows)),
        f"{answered / max(1, len(rows)):.1%}",
        f"{right / answered:.1%}" if answered else "",
        str(wrong or ""),
        str(ambiguous or ""),
        str(len(rows) - answered - ambiguous or ""),
        count("kind", "wrong"),
        count("unit", "right"),
        count("unit", "wrong"),
        count("marks", "wrong"),
        count("frame", "wrong"),
    ]


def confusion_table(rows: Sequence[Row]) -> Table:
    """Which end is near in truth against what was concluded."""
    table = Table(title="near and far")
    columns = ("near is small", "near is large", "asked", "refused")
    for name in ("truth", *columns):
        table.add_column(name, justify="right")
    for truth in ("small", "large"):
        some = [row for row in rows if row.near_is == truth]
        answered = [row for row in some if row.near != "asked"]
        # The other end than the true one where the depth came out inverted.
        opposite = {"small": "large", "large": "small"}[truth]
        concluded = [truth if row.near == "right" else opposite for row in answered]
        ambiguous = sum(row.error == "depth_ambiguous" for row in some)
        counts = (
            concluded.count("small"),
            concluded.count("large"),
            ambiguous,
            len(some) - len(answered) - ambiguous,
        )
        table.add_row(f"near is {truth}", *map(str, counts))
    return table


def calibration_table(rows: Sequence[Row]) -> Table:
    """See `calibration`."""
    table = Table(title="calibration of the near end")
    for name in ("confidence", "answers", "stated", "right", "difference"):
        table.add_column(name, justify="right")
    for each in calibration(rows):
        span = f"{each.low:.1%} to {min(each.high, 1):.1%}"
        apart = 100 * (each.share - each.stated)
        table.add_row(
            span, str(each.answers), f"{each.stated:.1%}", f"{each.share:.1%}", f"{apart:+.1f} points"
        )
    return table
