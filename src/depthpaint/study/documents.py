"""A study's findings as a report: summaries, tables, curves and a contact sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from depthpaint.core.geometry import parse_aspect
from depthpaint.core.statistics import Interval, difference
from depthpaint.record.picture_source import pixels_of
from depthpaint.report.document import Cell as TableCell
from depthpaint.report.document import Document, Figure, Section, Shown, Table
from depthpaint.report.plots import curve
from depthpaint.report.recipe import recipe
from depthpaint.report.shown import thumbnail
from depthpaint.study.aspect import REFERENCE, AspectFinding, StrengthFinding, agreement_of
from depthpaint.study.latency import AS_IT_IS, Measured, fastest_of_their_kind
from depthpaint.study.painting import Outcome

NOTE = "Medians with their 95 % bootstrap interval."
SHEET_SIDE = 180
EVERY_STEP = "0:1"


def obeyed(outcomes: Sequence[Outcome]) -> tuple[bool, str]:
    """Whether the pictures follow the depth rather than its mirror image, and a verdict in words."""
    mirrored = [one.agreement.mirrored_agreement for one in outcomes]
    apart = difference([agreement_of(one) for one in outcomes], mirrored)
    obeys = apart.low > 0
    verdict = "The depth is followed" if obeys else "There is no evidence that the depth is followed"
    return obeys, (
        f"{verdict}: over {apart.count} pictures the depth agreement is "
        f"{'higher' if obeys else 'not higher'} with the depth map than with its mirror image, by {apart}."
    )


def aspect_document(title: str, findings: Sequence[AspectFinding], outcomes: Sequence[Outcome]) -> Document:
    """The aspect study's report."""
    _, verdict = obeyed(outcomes)
    rows: list[tuple[TableCell, ...]] = [
        (
            finding.ratio, finding.way, str(finding.depth_agreement), str(finding.repetition),
            str(finding.sharpness), finding.depth_agreement.count,
        )
        for finding in findings
    ]  # fmt: skip
    columns = ("ratio", "way", "depth agreement", "repetition", "sharpness", "pictures")
    ways: dict[str, list[tuple[float, float, float, float]]] = {}
    for finding in findings:
        ways.setdefault(finding.way, []).append(
            (float(np.log2(parse_aspect(finding.ratio))), *_bounds(finding.depth_agreement))
        )
    plot = curve(ways, "ratio, width over height, log2", "depth agreement")
    summaries = tuple(finding.summary() for finding in findings if finding.ratio != REFERENCE)
    table = Table(columns, tuple(rows), f"{NOTE} Repetition is in excess of the depth map's own.")
    figure = Figure(plot, "How well the depth is followed, by ratio and by the way the map is fitted to it.")
    sheet = _sheet(outcomes, ("ratio", "way"))
    return Document(
        title,
        (verdict,),
        (
            Section("Compared with 1:1 of the same content", summaries),
            Section("Numbers", (), (table,), (figure,)),
            Section("Contact sheet", ("The first seed of every ratio and way.",), shown=sheet),
        ),
    )


def strength_document(
    title: str, findings: Sequence[StrengthFinding], outcomes: Sequence[Outcome], advice: str
) -> Document:
    """The strength study's report; `advice` names the lowest sufficient strength."""
    # Weak or early control may have no visible effect, so the verdict is about the strongest.
    strongest = max(findings, key=lambda finding: (finding.strength, finding.window == EVERY_STEP))
    labels = {"strength": strongest.strength, "window": strongest.window}
    _, verdict = obeyed([one for one in outcomes if labels.items() <= one.cell.labels.items()])
    rows = tuple(
        (finding.strength, finding.window, str(finding.depth_agreement), str(finding.freedom))
        for finding in findings
    )
    columns = ("strength", "window", "depth agreement", "freedom")
    figures = tuple(
        Figure(curve(_by_window(findings, measure), "strength", label), caption)
        for measure, label, caption in (
            ("depth_agreement", "depth agreement", "How strength improves agreement with the depth."),
            ("freedom", "difference of two seeds", "Its cost: how much the pictures of two seeds differ."),
        )
    )
    return Document(title, (verdict, advice), (
        Section("Numbers", (), (Table(columns, rows, NOTE),), figures),
        Section("Contact sheet", ("The first seed of every strength and window.",),
                shown=_sheet(outcomes, ("strength", "window"))),
    ))  # fmt: skip


def latency_document(
    title: str, measured: Sequence[Measured], cold: Mapping[str, Interval], advice: str
) -> Document:
    """The latency study's report; `advice` is the answer to a time budget, or empty."""
    (plain,) = (one for one in measured if one.lever.name == AS_IT_IS)
    front = {id(one) for one in fastest_of_their_kind(measured)}
    rows: list[tuple[TableCell, ...]] = []
    for one in measured:
        likeness = float(np.median(one.likeness)) if one.likeness else None
        rows.append((
            one.lever.name, str(one.time), plain.time.median / one.time.median,
            float(np.median(one.depth_agreement)), likeness, "yes" if id(one) in front else "",
        ))  # fmt: skip
    columns = (
        "lever",
        "s per picture",
        "times as fast",
        "depth agreement",
        "PSNR to it as is",
        "on the front",
    )
    stages: list[tuple[TableCell, ...]] = []
    for stage in dict.fromkeys([*cold, *plain.stages]):
        warm = plain.stages.get(stage)
        took = None if warm is None else float(np.median(warm))
        stages.append((stage, cold[stage].median if stage in cold else None, took))
    commands = tuple(
        Shown({}, one.lever.name, recipe=recipe(one.record) + _threads(one))
        for one in measured
        if id(one) in front and one.record
    )
    where = "Cold: in a separate process. Warm: with a loaded model."
    return Document(
        title,
        (advice,) if advice else (),
        (
            Section("Time per stage", (), (Table(("stage", "cold s", "warm s"), tuple(stages), where),)),
            Section("Gain and cost of each change", (), (Table(columns, tuple(rows), NOTE),)),
            Section("Commands", ("No other change is faster and agrees as well:",), shown=commands),
        ),
    )


def _by_window(
    findings: Sequence[StrengthFinding], measure: str
) -> dict[str, list[tuple[float, float, float, float]]]:
    windows: dict[str, list[tuple[float, float, float, float]]] = {}
    for finding in findings:
        interval: Interval = getattr(finding, measure)
        windows.setdefault(f"window {finding.window}", []).append((finding.strength, *_bounds(interval)))
    return windows


def _bounds(interval: Interval) -> tuple[float, float, float]:
    return interval.median, interval.low, interval.high


def _sheet(outcomes: Sequence[Outcome], labels: tuple[str, str]) -> tuple[Shown, ...]:
    """The first picture of every group, in rows by the first label."""
    rows: dict[str, dict[str, bytes]] = {}
    for one in outcomes:
        row, column = (str(one.cell.labels[label]) for label in labels)
        pictures = rows.setdefault(row, {})
        if column not in pictures:
            pictures[column] = thumbnail(pixels_of(one.path), SHEET_SIDE)
    return tuple(Shown(pictures, f"{labels[0]} {row}") for row, pictures in rows.items())


def _threads(one: Measured) -> str:
    """The option for threads, which a picture's record does not contain."""
    return "" if one.lever.threads is None else f" --threads={one.lever.threads}"
