"""The command: `python -m doctor_bench --count 3000 --held-out`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from doctor_bench.corpus import make_sample
from doctor_bench.score import Row, measured, numbers_of
from doctor_bench.tables import calibration_table, confusion_table, outcome_table, summary

SEED, COUNT, MOST_PROCESSES = 2026, 3000, 2


def _saved(rows: Sequence[Row], seed: int, folder: Path) -> None:
    """Write the files of the samples with a wrong outcome, under their number, scene, storage and mark."""
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        wrong = [name for name in ("near", "kind", "unit", "marks", "frame") if getattr(row, name) == "wrong"]
        if wrong:
            words = f"{row.number}-{row.scene}-{row.storage}-{row.mark}-{'-'.join(wrong)}"
            name = "".join(each if each.isalnum() or each in "-." else "_" for each in words)
            (folder / f"{name}.{row.container}").write_bytes(make_sample(row.number, seed).data)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m doctor_bench", description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="samples")
    parser.add_argument("--seed", type=int, default=SEED)
    half = parser.add_mutually_exclusive_group()
    half.add_argument("--chosen", dest="half", action="store_const", const="chosen", help="kinds to tune on")
    half.add_argument(
        "--held-out", dest="half", action="store_const", const="held-out", help="the other kinds"
    )
    parser.add_argument("--processes", type=int, choices=range(1, MOST_PROCESSES + 1), default=MOST_PROCESSES)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rows")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="write the files with a wrong outcome")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the tables."""
    options = _options(arguments)
    rows: list[Row] = []
    errors = Console(stderr=True)
    with Progress(console=errors, disable=not errors.is_terminal) as bar:
        task = bar.add_task("reading depth files", total=options.count)
        for part in measured(numbers_of(options.half, options.count), options.seed, options.processes):
            rows += part
            bar.update(task, completed=len(rows))
    console = Console(width=None if Console().is_terminal else 160)
    for half in dict.fromkeys(row.half for row in rows):
        some = [row for row in rows if row.half == half]
        console.print(outcome_table(f"storage, {half} scenes", some, lambda row: row.storage))
        console.print(outcome_table(f"scene, {half}", some, lambda row: row.scene))
        console.print(confusion_table(some), calibration_table(some))
        console.print({name: round(value, 4) for name, value in summary(some).items()})
    if options.json is not None:
        document = {"seed": options.seed, "summary": summary(rows), "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if options.save is not None:
        _saved(rows, options.seed, options.save)


if __name__ == "__main__":
    main()
