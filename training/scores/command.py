"""What `depthpaint train evaluate` does: paint held-out worlds, judge them, write table and sheet."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import Progress as ProgressBar
from rich.progress import TaskID

from depthpaint.models.diorama.files import FOLDER
from training.command import progress_bar
from training.export import load_export
from training.networks import build_networks
from training.scores.depth import find_seer
from training.scores.held_out import HeldOut, Picture, held_out_worlds
from training.scores.judges import Watched, find_judges
from training.scores.painting import SEED, Paint, autoencoder_paint, engine_for, engine_paint
from training.scores.picture import psnr
from training.scores.sheet import save_sheet
from training.scores.table import Means, measure
from training.worlds.shards import LARGE, SMALL, Area

AREAS: dict[str, Area] = {area.name: area for area in (SMALL, LARGE)}
NONE = "none found: not measured"
FAILURES = 16


def evaluate_diorama(
    folder: Path, worlds: int, area: Area, model: Path | None = None, first: int = 0
) -> dict[str, object]:
    """Score diorama on `worlds` held-out worlds of `area`, from number `first` on; returns the table.

    It is the exported folder `model`, else `folder/diorama` if that is there, else the shipped one. Also
    writes `folder/scores.json`, the sheet `folder/held-out.png` and that of the FAILURES that are least like
    their renders, `folder/failures.png`; the judges stay in `folder/scores`.
    """
    chosen = model or folder / "diorama"
    exported = chosen if model or chosen.exists() else None
    folder.mkdir(parents=True, exist_ok=True)
    shown: list[tuple[HeldOut, Picture]] = []
    with progress_bar() as bar, TemporaryDirectory() as scratch:
        means = Means(
            paint=engine_paint(engine_for(exported), Path(scratch)),
            autoencoder=_autoencoder(exported or FOLDER),
            seer=find_seer(folder),
            judges=find_judges(folder / "scores", _on_bar(bar)),
        )
        task = bar.add_task(f"painting {worlds} worlds", total=worlds)

        def on_painted(asked: HeldOut, painted: Picture) -> None:
            bar.advance(task)
            shown.append((asked, painted))

        findings = measure(held_out_worlds(worlds, area, first), means, on_painted)
    table: dict[str, object] = {
        "worlds": worlds,
        "first": first,
        "area": area.name,
        "seed": SEED,
        "model": "exported" if exported else "shipped",
        "estimator": means.seer.name if means.seer else NONE,
        "judges": {judge.name: round(judge.accuracy, 4) for judge in means.judges},
        **findings.table(),
    }
    save_sheet(shown, folder / "held-out.png")
    save_sheet(sorted(shown, key=lambda pair: psnr(*pair))[:FAILURES], folder / "failures.png")
    (folder / "scores.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return table


def _autoencoder(model: Path) -> Paint:
    networks = build_networks()
    load_export(model, networks)
    return autoencoder_paint(networks)


def _on_bar(bar: ProgressBar) -> Watched:
    tasks: dict[str, TaskID] = {}

    def watched(name: str, share: float) -> None:
        if name not in tasks:
            tasks[name] = bar.add_task(name, total=1.0)
        bar.update(tasks[name], completed=share)

    return watched
