"""Collect the painted pictures of a folder with their records, and summarise them as a report."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import is_folder
from depthpaint.core.geometry import Extent
from depthpaint.core.statistics import interval_of
from depthpaint.depth.slopes import CHANCE
from depthpaint.record.file_format import SUFFIXES
from depthpaint.record.picture_file import SHEET, SHEET_KEY, picture_bytes, read_record
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.report.document import LONGEST_CELL, Cell, Document, Figure, Section, Shown, Table, shortened
from depthpaint.report.plots import has_plots, histogram, spread

MOST_LEVELS = 64
"""The deepest level of subfolders that is searched."""


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture's file and its record."""

    path: Path
    record: RunRecord


@dataclass(frozen=True, slots=True)
class Gathered:
    """All painted pictures below a folder, by path, and the files left out, with the reason."""

    folder: Path
    painted: tuple[Painted, ...]
    left_out: tuple[tuple[Path, str], ...]


def gather(folder: Path, on_file: Callable[[], None] | None = None) -> Gathered:
    """Read the record of every picture below `folder`; pictures of other programs are skipped.

    Raises OutputError if the folder cannot be read or contains no painted picture.
    """
    painted: list[Painted] = []
    left_out: list[tuple[Path, str]] = []
    for path in picture_files(folder, lambda below, why: left_out.append((below, why))):
        try:
            painted.append(Painted(path, read_record(path)))
        except RecordError as error:
            if error.code is not ErrorCode.RECORD_MISSING:
                left_out.append((path, str(error)))
        if on_file is not None:
            on_file()
    if not painted:
        first = "".join(f"; {path} is left out: {why}" for path, why in left_out[:1])
        raise OutputError(
            f"{folder} contains no picture painted by depthpaint{first}",
            code=ErrorCode.RECORD_MISSING,
            value=str(folder),
            remedy="give the folder that generate or batch wrote into",
        )
    return Gathered(folder, tuple(painted), tuple(left_out))


def sheets_in(folder: Path) -> list[Path]:
    """The contact sheets that a batch wrote into `folder`, in their order."""
    found: list[tuple[int, str, Path]] = []
    for path in folder.glob(f"{SHEET}*.png"):
        try:
            if SHEET_KEY.encode() in picture_bytes(path):
                found.append((len(path.name), path.name, path))
        except RecordError:
            continue
    return [path for _, _, path in sorted(found)]


def picture_files(folder: Path, on_left_out: Callable[[Path, str], None] | None = None) -> list[Path]:
    """Every PNG, JPEG and WebP below `folder`, sorted.

    `on_left_out` is called with each skipped folder and the reason. Raises OutputError if `folder` cannot be
    read.
    """
    try:
        if not folder.is_dir():
            raise NotADirectoryError(20, "it is not a folder")
        pictures: list[Path] = []
        waiting = [(folder, 0)]
        while waiting:
            below, level = waiting.pop()
            try:
                inner = _listed(below, pictures)
            except OSError as error:
                if level == 0:
                    raise
                _leave_out(on_left_out, below, f"it cannot be read: {error.strerror}")
                continue
            for path in inner:
                if level < MOST_LEVELS:
                    waiting.append((path, level + 1))
                else:
                    _leave_out(on_left_out, path, f"it is more than {MOST_LEVELS} folders deep")
        return sorted(pictures)
    except OSError as error:
        raise OutputError(
            f"cannot read {folder}: {error.strerror}",
            code=ErrorCode.RECORD_MISSING,
            value=str(folder),
            remedy="give the folder that generate or batch wrote into",
        ) from error


def _listed(folder: Path, pictures: list[Path]) -> list[Path]:
    """The folders in `folder`; its pictures are added to `pictures`. Links to folders are not followed."""
    inner: list[Path] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                inner.append(path)
            # Special files are added, too; reading them gives an error that names them.
            elif path.suffix.lower() in SUFFIXES and not is_folder(path):
                pictures.append(path)
    return inner


def _leave_out(on_left_out: Callable[[Path, str], None] | None, folder: Path, why: str) -> None:
    if on_left_out is not None:
        on_left_out(folder, why)


STAGES = ("read", "load", "text", "control", "denoise", "decode", "finish")
MOST_LEFT_OUT = 20
MOST_NAMED = 10
MOST_GROUPS = 100
"""The most rows of a table of groups; those with the most pictures are shown."""
ALL_PICTURES = "All pictures"


def account(gathered: Gathered, shown: Sequence[Shown], title: str, sheets: Sequence[Shown] = ()) -> Document:
    """The report over `gathered`; `shown` are the pictures to display, `sheets` the contact sheets.

    Without matplotlib it has no plots.
    """
    painted = gathered.painted
    overview = Section("Contact sheets", shown=tuple(sheets)) if sheets else None
    sections = [overview, _depth(gathered), _time(painted), _pictures(painted, shown), _list(gathered)]
    models = sorted({one.record.settings.model for one in painted})
    summary = [f"{_counted(len(painted), 'picture')} by {_some_of(models)}."]
    if gathered.left_out:
        summary.append(f"{_counted(len(gathered.left_out), 'file')} could not be read; see the end.")
    return Document(title, tuple(summary), tuple(section for section in sections if section is not None))


def ratio_of(size: Extent) -> str:
    """Width to height in small integers, such as 5:3."""
    ratio = Fraction(size.width, size.height).limit_denominator(16)
    return f"{ratio.numerator}:{ratio.denominator}"


def _depth(gathered: Gathered) -> Section:
    painted = gathered.painted
    title = "Agreement with the depth map"
    judged = _judged(painted)
    if not judged:
        return Section(title, ("Not measured: paint with --verify to add it to the records.",))
    scores = [_agreement(one) for one in judged]
    whole = interval_of(scores)
    judges = sorted({one.record.agreement.estimator for one in judged if one.record.agreement is not None})
    text = (
        f"Depth agreement of the depth map and the depth that {_some_of(judges)} estimates from the "
        f"picture: median {whole} over {_counted(len(judged), 'picture')}, lowest {min(scores):.3g}. "
        f"1 is best; of wrong maps of the same kind of scene 95 % have less than {CHANCE:g}. "
        "The estimator's own errors count as the pictures'.",
        *(
            [f"{len(painted) - len(judged)} pictures were not verified."]
            if len(judged) < len(painted)
            else []
        ),
    )
    tables = [
        _grouped("folder", judged, lambda one: _folder(one, gathered)),
        _grouped("aspect ratio", judged, lambda one: ratio_of(one.record.plan.output_size)),
        _grouped("model", judged, lambda one: one.record.settings.model),
        _grouped("strength", judged, lambda one: f"{one.record.settings.control_strength:g}"),
        _grouped("steps", judged, lambda one: str(one.record.settings.num_inference_steps)),
    ]
    caption = "How well the pictures' depths agree with their depth maps."
    figures = _figure(lambda: histogram(scores, "depth agreement", "pictures"), caption)
    return Section(title, text, tuple(table for table in tables if len(table.rows) > 1), figures)


def _figure(drawn: Callable[[], str], caption: str) -> tuple[Figure, ...]:
    return (Figure(drawn(), caption),) if has_plots() else ()


def _grouped(what: str, judged: Sequence[Painted], key: Callable[[Painted], str]) -> Table:
    groups: defaultdict[str, list[Painted]] = defaultdict(list)
    for one in judged:
        groups[key(one)].append(one)
    rows: list[tuple[Cell, ...]] = []
    largest = sorted(groups, key=lambda name: len(groups[name]), reverse=True)[:MOST_GROUPS]
    for name in sorted(largest):
        members = groups[name]
        interval = interval_of([_agreement(one) for one in members])
        rows.append((name, interval.count, interval.median, interval.low, interval.high))
    return Table(
        (what, "pictures", "median agreement", "from", "to"), tuple(rows), "95 % interval of the median."
    )


def _time(painted: Sequence[Painted]) -> Section | None:
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for one in painted:
        if "picture" in one.record.seconds:  # a batch does not store times in its pictures
            groups[str(one.record.plan.output_size)].append(one.record.seconds["picture"])
    if not groups:
        return None
    rows = tuple(
        (size, len(seconds), interval_of(seconds).median, min(seconds), max(seconds))
        for size, seconds in sorted(groups.items(), key=lambda item: len(item[1]), reverse=True)[:MOST_GROUPS]
    )
    sizes = Table(("size", "pictures", "median s", "least", "most"), rows, "Seconds per picture.")
    stages = tuple(
        (stage, interval_of(seconds).median)
        for stage in STAGES
        if (seconds := [one.record.seconds[stage] for one in painted if stage in one.record.seconds])
    )
    parts = Table(("stage", "median s"), stages, "Seconds per request, which may contain several pictures.")
    largest = {size: groups[size] for size, *_ in rows[:12]}
    figures = _figure(lambda: spread(largest, "seconds per picture"), "Seconds per picture, by size.")
    return Section("Time", (), (sizes, parts), figures)


def _pictures(painted: Sequence[Painted], shown: Sequence[Shown]) -> Section | None:
    if not shown:
        return None
    text = () if len(shown) == len(painted) else (
        f"{len(shown)} of {len(painted)}: those with the lowest agreement, and a selection of the others.",
    )  # fmt: skip
    if _judged(painted):
        text += ("The lowest depth agreement comes first.",)
    return Section("Pictures", text, shown=tuple(shown))


def _list(gathered: Gathered) -> Section:
    folders = len({one.path.parent for one in gathered.painted}) > 1
    rows = tuple(_row(one, gathered, folders=folders) for one in worst_first(gathered.painted))
    columns = (
        *(("folder",) if folders else ()),
        "file", "prompt", "seed", "size", "model", "steps", "agreement", "rank", "s", "warnings",
    )  # fmt: skip
    problems = tuple((str(path), why) for path, why in gathered.left_out[:MOST_LEFT_OUT])
    left_out = [Table(("left out", "why"), problems)] if problems else []
    return Section(ALL_PICTURES, (), (Table(columns, rows), *left_out))


def _row(one: Painted, gathered: Gathered, *, folders: bool) -> tuple[Cell, ...]:
    settings, agreement = one.record.settings, one.record.agreement
    file = (_folder(one, gathered), one.path.name) if folders else (_relative(one.path, gathered),)
    return (
        *file,
        settings.prompt, settings.seed,
        str(one.record.plan.output_size), settings.model, settings.num_inference_steps,
        *((None, None) if agreement is None else (agreement.depth_agreement, agreement.rank_correlation)),
        one.record.seconds.get("picture"), len(one.record.warnings),
    )  # fmt: skip


def _judged(painted: Sequence[Painted]) -> list[Painted]:
    """The pictures whose depth agreement was measured."""
    return [one for one in painted if _agreement(one) <= 1]


def _folder(one: Painted, gathered: Gathered) -> str:
    return _relative(one.path.parent, gathered)


def _relative(path: Path, gathered: Gathered) -> str:
    return path.relative_to(gathered.folder).as_posix()


def _agreement(one: Painted) -> float:
    """The picture's depth agreement; infinite if it was not measured."""
    agreement = one.record.agreement
    found = None if agreement is None else agreement.depth_agreement
    return inf if found is None else min(1.0, found)


def worst_first(painted: Sequence[Painted]) -> list[Painted]:
    """The pictures with the lowest agreement first, those without one last, in their order."""
    return sorted(painted, key=_agreement)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _some_of(names: Sequence[str]) -> str:
    """The names, or the first of many and the number of others."""
    listed = ", ".join(shortened(name, LONGEST_CELL) for name in names[:MOST_NAMED])
    return listed if len(names) <= MOST_NAMED else f"{listed} and {len(names) - MOST_NAMED:,} others"


def worth_seeing(painted: Sequence[Painted], most: int) -> list[Painted]:
    """At most `most` pictures, worst first: a third with the lowest agreement, the others evenly spread."""
    if len(painted) <= most:
        return worst_first(painted)
    least = worst_first(_judged(painted))[: most // 3]
    chosen = {id(one) for one in least}
    others = [one for one in painted if id(one) not in chosen]
    wanted = most - len(least)
    chosen |= {id(others[k * len(others) // wanted]) for k in range(wanted)}
    return worst_first([one for one in painted if id(one) in chosen])
