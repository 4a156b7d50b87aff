"""What `depthpaint train` does: render worlds, train on them, export."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress as ProgressBar

from depthpaint.core.regular_file import read_document
from depthpaint.models.diorama.files import diorama_facts
from depthpaint.models.estimators.registry import DIORAMA_DEPTH
from training.checkpoint import Progress
from training.depth_examples import PAINTED
from training.export import export
from training.recipe import load_trained, log_line, train
from training.worlds.shards import LARGE, SMALL, Area, render_shard, shard_file


def train_diorama(folder: Path, minutes: float, device: str, shards: int, start: Path | None = None) -> None:
    """Render worlds, train for `minutes` in all, and export to `folder/diorama`.

    A run begins with the weights of the exported folder `start`, else with random ones. Run it again after a
    stop: it goes on where it was. Progress goes to stderr, the exported folder to stdout.
    """
    counts = {SMALL: shards, LARGE: shards // 2} if start is None else {LARGE: shards // 2}
    render(folder / "worlds", counts)
    with progress_bar() as bar, (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        task = bar.add_task("training", total=1.0)
        for report in train(folder, minutes, device=device, start=start):
            log.write(log_line(report) + "\n")
            log.flush()
            bar.update(task, completed=report.share_done, description=f"training, loss {report.loss:.3f}")
    export_checkpoint(folder, folder / "diorama", device, start)
    sys.stdout.write(f"{folder / 'diorama'}\n")


def render(folder: Path, counts: dict[Area, int]) -> None:
    """Render the shards that are missing, one process a core: a world is drawn by small operations."""
    missing = [
        (area, index)
        for area, count in counts.items()
        for index in range(count)
        if not shard_file(folder, index, area).exists()
    ]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    worlds = sum(area.count for area, _ in missing)
    # Forked children of a process that has used torch's threads can hang.
    context = multiprocessing.get_context("spawn")
    with progress_bar() as bar, ProcessPoolExecutor(os.cpu_count(), context) as pool:
        task = bar.add_task(f"rendering {worlds} worlds", total=len(missing))
        for done in as_completed([pool.submit(_render_one, folder, *which) for which in missing]):
            done.result()
            bar.advance(task)


def _render_one(folder: Path, area: Area, index: int) -> None:
    torch.set_num_threads(1)
    render_shard(folder, index, area)


def _paint(folder: Path, count: int) -> None:
    """Paint the first `count` large shards."""
    from training.painted_shards import paint_shard

    own = folder / "diorama"
    with progress_bar() as bar:
        for index in bar.track(range(count), description="painting worlds"):
            paint_shard(folder / "worlds", index, own if own.exists() else None)


def export_checkpoint(folder: Path, target: Path, device: str, start: Path | None = None) -> None:
    """Export the averaged weights of the last checkpoint in `folder` as package files in `target`.

    Where the run began with the exported folder `start`, what they say of their making counts what made that.
    """
    networks, progress = load_trained(folder)
    own = training_facts(progress, folder, device)
    export(networks, target, with_earlier(own, diorama_facts(start) if start else {}))


def training_facts(progress: Progress, folder: Path, device: str) -> dict[str, object]:
    """What the model card says of the run."""
    rendered = {
        f"{area.name}_worlds": len(list((folder / "worlds").glob(f"{area.prefix}-*.safetensors")))
        * area.count
        for area in (SMALL, LARGE)
    }
    return {
        "steps": progress.steps,
        "samples": progress.samples,
        "minutes": round(progress.seconds / 60, 1),
        **rendered,
        "device": f"{device}, {os.cpu_count()} cores" if device == "cpu" else device,
        "torch": torch.__version__,
        "date": date.today().isoformat(),
    }


def with_earlier(own: Mapping[str, object], earlier: Mapping[str, object]) -> dict[str, object]:
    """The facts of a run and of the one that it went on from: numbers are added up, words are the last's.

    Worlds are numbered from the first on in every run, so the larger number of them counts.
    """

    def total(name: str, value: object) -> object:
        before = earlier.get(name)
        if isinstance(value, (int, float)) and isinstance(before, (int, float)):
            return max(value, before) if name.endswith("_worlds") else round(value + before, 1)
        return value

    return {name: total(name, value) for name, value in own.items()}


def progress_bar() -> ProgressBar:
    """A bar on stderr, silent where nobody watches."""
    console = Console(stderr=True)
    return ProgressBar(console=console, disable=not console.is_terminal)


def train_depth_estimator(
    folder: Path, minutes: float, shards: int, start: Path | None = None, painted: int = 0
) -> None:
    """Render worlds and train diorama-depth on them for `minutes` in all; resumes like `train_diorama`.

    `painted` shards of the large worlds are shown as diorama paints them, too: the run's own if it has
    exported one, else the shipped one.
    """
    from training.depth_recipe import train_depth

    counts = {SMALL: shards} if start is None else {LARGE: shards // 2}
    render(folder / "worlds", counts | ({LARGE: max(painted, shards // 2)} if painted else {}))
    _paint(folder, painted)
    with progress_bar() as bar, (folder / "depth-log.jsonl").open("a", encoding="utf-8") as log:
        task = bar.add_task("training", total=1.0)
        for report in train_depth(folder / "depth", folder / "worlds", minutes, start):
            line = {"steps": report.progress.steps, "samples": report.progress.samples}
            line |= {"seconds": round(report.progress.seconds), "loss": round(report.loss, 4)}
            log.write(json.dumps(line) + "\n")
            log.flush()
            bar.update(task, completed=report.share_done, description=f"training, loss {report.loss:.3f}")
    export_depth_checkpoint(folder, folder / DIORAMA_DEPTH, start)
    sys.stdout.write(f"{folder / DIORAMA_DEPTH}\n")


def export_depth_checkpoint(folder: Path, target: Path, start: Path | None = None) -> None:
    """Export diorama-depth's averaged weights like `export_checkpoint`."""
    from training.depth_export import export_depth
    from training.depth_recipe import trained_depth

    network, progress = trained_depth(folder / "depth")
    own = training_facts(progress, folder, "cpu")
    painted = len(list((folder / "worlds").glob(f"{PAINTED}-*.safetensors"))) * LARGE.count
    own |= {"pictures": own.pop("samples"), "painted_worlds": painted}
    earlier = read_document(DIORAMA_DEPTH, start)["facts"] if start else {}
    export_depth(network, target, with_earlier(own, earlier))
