"""What the latency study found, said from its data: where time goes, what each lever gives and costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from depthpaint.core.statistics import Interval, interval_of
from depthpaint.report.document import Document, Section, Table

AS_IT_IS = "as it is"
WORTH = 1.05
"""Times as fast from which a lever is said to save time: less drowns in a shared machine's noise."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lever:
    """One lever over all maps: times as fast, the depth agreement lost, and how like the picture stays."""

    name: str
    faster: Interval
    agreement_apart: Interval
    likeness: float | None

    @property
    def saves(self) -> bool:
        """Whether it is surely faster."""
        return self.faster.low > WORTH

    @property
    def costs(self) -> bool:
        """Whether the depth is surely obeyed less."""
        return self.agreement_apart.high < 0


def levers_of(rows: Sequence[Row]) -> list[Lever]:
    """Every lever beside the unchanged request, map by map; what halves the pixels is one lever."""
    plain = {row["twin"]: row for row in rows if row["lever"] == AS_IT_IS}
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["lever"].split(",")[0], []).append(row)
    return [_lever(name, members, plain) for name, members in grouped.items() if name != AS_IT_IS]


def _lever(name: str, members: Sequence[Row], plain: dict[str, Row]) -> Lever:
    pairs = [(row, plain[row["twin"]]) for row in members]
    likeness = [value for row in members for value in row["likeness"]]
    return Lever(
        name,
        interval_of([median(before["seconds"]) / median(row["seconds"]) for row, before in pairs]),
        interval_of([
            fmean(row["depth_agreement"]) - fmean(before["depth_agreement"]) for row, before in pairs
        ]),
        median(likeness) if likeness else None,
    )  # fmt: skip


def latency_document(data: dict[str, Any]) -> Document:
    """The whole text."""
    rows: list[Row] = data["rows"]
    levers = sorted(levers_of(rows), key=lambda lever: -lever.faster.median)
    machine = data["environment"]
    maps = len({row["twin"] for row in rows})
    return Document(
        "What a picture costs in time",
        summary(rows, levers),
        (
            Section("What was done", (
                f"diorama with its defaults on {maps} maps, 512 x 512 pixels, on "
                f"{machine['cpu_count']} cores "
                f"of {machine['cpu']} that other work shares: read the ratios, not the seconds. Every lever "
                "was painted in turn with the same seeds after a warm-up, three times.",
            )),
            Section("Where the time goes", (), (stages(rows),)),
            Section("What each lever gives and what it costs", (), (table(levers),)),
        ),
    )  # fmt: skip


def summary(rows: Sequence[Row], levers: Sequence[Lever]) -> tuple[str, ...]:
    """The findings in a few sentences."""
    shares = _shares(rows)
    longest = max(shares, key=lambda stage: shares[stage])
    free = [lever for lever in levers if lever.saves and not lever.costs]
    dear = [lever for lever in levers if lever.saves and lever.costs]
    idle = [lever for lever in levers if not lever.saves]
    said = [f'Of a warm picture\'s time, {100 * shares[longest]:.0f} % go to the stage "{longest}".']
    for what, group in (
        ("Faster, with no loss of depth agreement seen", free),
        ("Faster, but with less depth agreement", dear),
    ):
        if group:
            each = ", ".join(f"{lever.name} ({lever.faster.median:.2f} times as fast)" for lever in group)
            said.append(f"{what}: {each}.")
    if idle:
        said.append(f"No time worth speaking of: {', '.join(lever.name for lever in idle)}.")
    return tuple(said)


def _shares(rows: Sequence[Row]) -> dict[str, float]:
    """Each stage's share of a warm picture, median over the maps."""
    plain = [row for row in rows if row["lever"] == AS_IT_IS]
    names = [name for name in plain[0]["stages"] if name != "picture"]
    return {
        name: median(median(row["stages"][name]) / median(row["seconds"]) for row in plain) for name in names
    }


def stages(rows: Sequence[Row]) -> Table:
    """Seconds of the stages, warm and in a process of its own."""
    plain = [row for row in rows if row["lever"] == AS_IT_IS]
    cold: dict[str, Row] = max((row["cold"] for row in plain), key=len)
    names: list[str] = list(dict.fromkeys([*cold, *plain[0]["stages"]]))
    listed = tuple(
        (
            name,
            cold[name]["median"] if name in cold else None,
            median(median(row["stages"][name]) for row in plain) if name in plain[0]["stages"] else None,
        )
        for name in names
    )
    return Table(
        ("stage", "cold s", "warm s"), listed, "Cold: a process of its own. Warm: the model is loaded."
    )


def table(levers: Sequence[Lever]) -> Table:
    """Every lever, the one that saves most first."""
    columns = ("lever", "times as fast", "depth agreement beside as it is", "PSNR to it as it is, dB")
    rows = tuple((one.name, str(one.faster), str(one.agreement_apart), one.likeness) for one in levers)
    return Table(columns, rows, "Medians over the maps with their 95 % intervals.")
