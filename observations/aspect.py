"""What the aspect study found, said from its data: the twin is the unit, its seeds are averaged first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log2
from statistics import fmean, median
from typing import Any

from depthpaint.core.statistics import Interval, in_words, interval_of
from depthpaint.report.document import Document, Figure, Section, Table
from depthpaint.report.plots import curve

REFERENCE = "1:1"
WAYS = ("crop", "pad", "stretch", "letterbox")
NOTE = (
    "Depth agreement, mean over the seeds of both runs. Its render: the depth agreement of the true picture "
    "of the whole map; where that is low, the estimator is at fault and not the painter."
)
UNSURE = 0.4
MENDING = (
    "At one ratio the ways differ only in what of the map they show: crop shows less of it at the "
    "same scale, "
    "stretch all of it in wrong proportions, pad invents depth beyond the edges, letterbox makes it small.",
    "Not tried here, and likely to help: painting in the map's own ratio and cutting the picture "
    "afterwards; a "
    "model trained at a larger area, so that a letterboxed map keeps its details.",
)

Row = dict[str, Any]
Measure = Callable[[Row], float]


def agreement(row: Row) -> float:
    """The depth agreement of one picture."""
    return row["depth_agreement"]


def repetition(row: Row) -> float:
    """How much of itself a picture repeats beyond what its depth map does."""
    return row["repetition"] - row["asked_repetition"]


def sharpness(row: Row) -> float:
    """The picture's sharpness."""
    return row["sharpness"]


@dataclass(frozen=True, slots=True)
class Found:
    """All pictures of the study."""

    rows: Sequence[Row]

    @property
    def twins(self) -> list[str]:
        """The names of the maps."""
        return list(dict.fromkeys(row["twin"] for row in self.rows))

    @property
    def ratios(self) -> list[str]:
        """The ratios, narrowest first."""
        return sorted({row["ratio"] for row in self.rows}, key=width_over_height)

    def mean(self, measure: Measure, twin: str, ratio: str, way: str) -> float:
        """The mean over the seeds."""
        asked = (twin, ratio, way)
        return fmean(measure(row) for row in self.rows if (row["twin"], row["ratio"], row["way"]) == asked)

    def level(self, measure: Measure, ratio: str, way: str) -> Interval:
        """The median over the twins."""
        return interval_of([self.mean(measure, twin, ratio, way) for twin in self.twins])

    def apart(
        self, measure: Measure, ratio: str, way: str, *, other: tuple[str, str] | None = None
    ) -> Interval:
        """How far a ratio and way lie from `other`, which is 1:1 in the same way unless said."""
        beside = other or (REFERENCE, way)
        return interval_of([
            self.mean(measure, twin, ratio, way) - self.mean(measure, twin, *beside) for twin in self.twins
        ])  # fmt: skip

    def of_run(self, run: int) -> Found:
        """The pictures of one run alone."""
        return Found([row for row in self.rows if row["run"] == run])

    def best_way(self, measure: Measure, ratio: str) -> str:
        """The way whose median over the twins is the highest."""
        return max(WAYS, key=lambda way: self.level(measure, ratio, way).median)


def width_over_height(ratio: str) -> float:
    """3:1 is 3."""
    wide, high = map(float, ratio.split(":"))
    return wide / high


def direction(apart: Interval) -> int:
    """1 or -1 where the interval leaves out zero, else 0."""
    return int(apart.low > 0) - int(apart.high < 0)


def hold_in_both(found: Found, measure: Measure) -> tuple[int, int, int]:
    """Of the differences from 1:1: how many there are, overlap between runs, and say the same."""
    one, two = found.of_run(1), found.of_run(2)
    pairs = [
        (one.apart(measure, ratio, way), two.apart(measure, ratio, way))
        for ratio in found.ratios
        if ratio != REFERENCE
        for way in WAYS
    ]
    same = sum(direction(a) == direction(b) for a, b in pairs)
    return len(pairs), sum(a.overlaps(b) for a, b in pairs), same


def differences(found: Found, measure: Measure, more: str, less: str) -> Table:
    """Every ratio and way beside 1:1, in words."""
    rows = tuple(
        (
            ratio,
            way,
            found.level(measure, ratio, way).median,
            in_words(found.apart(measure, ratio, way), more, less),
        )
        for ratio in found.ratios
        if ratio != REFERENCE
        for way in WAYS
    )
    note = f"Medians over {len(found.twins)} maps; differences from 1:1 of the same map with 95 % intervals."
    return Table(("ratio", "way", "median", "beside 1:1"), rows, note)


def by_twin(found: Found, names: dict[str, str], renders: dict[str, float]) -> Table:
    """What every map came to, at 1:1 and at the ends."""
    ends = (found.ratios[0], REFERENCE, found.ratios[-1])
    rows = tuple(
        (
            twin,
            names[twin],
            renders[twin],
            *(found.mean(agreement, twin, ratio, way) for way in ("crop", "pad") for ratio in ends),
        )
        for twin in found.twins
    )
    columns = (
        "map",
        "prompt",
        "its render",
        *(f"{way} {ratio}" for way in ("crop", "pad") for ratio in ends),
    )
    return Table(columns, rows, NOTE)


def plot(found: Found, measure: Measure, label: str, caption: str) -> Figure:
    """A measure against the ratio, a line a way."""
    lines: dict[str, list[tuple[float, float, float, float]]] = {}
    for way in WAYS:
        for ratio in found.ratios:
            level = found.level(measure, ratio, way)
            lines.setdefault(way, []).append(
                (log2(width_over_height(ratio)), level.median, level.low, level.high)
            )
    return Figure(curve(lines, "ratio, width over height, log2", label), caption)


def obeyed(found: Found) -> Interval:
    """How much more the pictures agree with the asked depth than with its mirror image, by twin."""
    return interval_of([
        median(agreement(row) - row["mirrored_agreement"] for row in found.rows if row["twin"] == twin)
        for twin in found.twins
    ])  # fmt: skip


def aspect_document(data: dict[str, Any], names: dict[str, str], renders: dict[str, float]) -> Document:
    """The whole text: `names` are the maps' prompts, `renders` the depth agreement of their true pictures."""
    found = Found(data["rows"])
    obeys = differences(found, agreement, "obeys more", "obeys less")
    repeats = differences(found, repetition, "repeats itself more", "repeats itself less")
    return Document(
        "What the aspect ratio does",
        summary(found),
        (
            Section("What was done", (_method(found),)),
            Section(
                "Does a picture obey the depth less away from 1:1?",
                tables=(obeys,),
                figures=(plot(found, agreement, "depth agreement", "How the depth is obeyed."),),
            ),
            Section(
                "Does it repeat itself?",
                ("What a picture repeats of itself is counted beyond what its depth map repeats.",),
                (repeats,),
                (plot(found, repetition, "repetition", "Repetition beyond that of the depth map."),),
            ),
            Section("What one learns", _lessons(found, renders)),
            Section("Map by map", (), (by_twin(found, names, renders),)),
            Section("How sure this is", _certainty(found)),
        ),
    )


def _lessons(found: Found, renders: dict[str, float]) -> tuple[str, ...]:
    """What a person does with it: which way to choose at which ratio, and which maps say nothing."""
    said: list[str] = []
    for ratio in found.ratios:
        if ratio == REFERENCE:
            continue
        best = found.best_way(agreement, ratio)
        others = [way for way in WAYS if way != best]
        beaten = [w for w in others if found.apart(agreement, ratio, best, other=(ratio, w)).low > 0]
        even = [w for w in others if w not in beaten]
        told = f"clearly more than {', '.join(beaten)}" if beaten else "but not clearly more than any other"
        tied = f"; no clear difference to {', '.join(even)}" if even else ""
        said.append(f"At {ratio} {best} obeys most ({found.level(agreement, ratio, best)}), {told}{tied}.")
    unsure = [twin for twin in found.twins if renders[twin] < UNSURE]
    if unsure:
        said.append(
            f"Of {', '.join(unsure)} little can be said: their true pictures, too, have a depth agreement "
            f"below {UNSURE:g}."
        )
    return (*said, *MENDING)


def _method(found: Found) -> str:
    seeds = len({row["seed"] for row in found.of_run(1).rows})
    return (
        f"{len(found.rows):,} pictures: {len(found.twins)} depth maps of rendered worlds, "
        f"{len(found.ratios)} "
        f"ratios from {found.ratios[0]} to {found.ratios[-1]} with the area of 512 x 512 held, four "
        "ways to bring "
        "a map to a ratio (crop; pad: go on with what is at its edges; stretch; letterbox: bars of "
        "the far plane), "
        f"two runs of {seeds} seeds each, with diorama and its defaults."
    )


def _certainty(found: Found) -> tuple[str, ...]:
    count, overlapping, same = hold_in_both(found, agreement)
    apart = obeyed(found)
    verdict = "the depth is obeyed" if apart.low > 0 else "nothing shows that the depth is obeyed"
    return (
        f"Of {count} differences of depth agreement from 1:1, the intervals of the two runs, whose seeds "
        "differ, overlap "
        f"in {overlapping}, and {same} say the same in both (less, more or no difference).",
        f"Depth agreement with the map less that with its mirror image: {apart}; {verdict}.",
    )


def summary(found: Found) -> tuple[str, ...]:
    """The findings in a few sentences, each with its number."""
    said: list[str] = []
    for way in WAYS:
        less = [r for r in found.ratios if r != REFERENCE and direction(found.apart(agreement, r, way)) < 0]
        more = [r for r in found.ratios if r != REFERENCE and direction(found.apart(agreement, r, way)) > 0]
        parts = [f"{word} at {', '.join(at)}" for word, at in (("less", less), ("more", more)) if at]
        rest = (
            "no difference from 1:1 is seen at any ratio"
            if not parts
            else f"the depth is obeyed {' and '.join(parts)}"
        )
        said.append(f"By {way}: {rest}.")
    return tuple(said)
