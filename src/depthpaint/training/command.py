"""What `depthpaint train` does: render, train, export, score."""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path

import torch
from PIL import Image
from rich.console import Console
from rich.progress import Progress as ProgressBar

from depthpaint.engine import Engine
from depthpaint.models.diorama.files import open_files
from depthpaint.models.diorama.painter import Diorama
from depthpaint.models.registry import DIORAMA
from depthpaint.training.checkpoint import Progress
from depthpaint.training.dataset import SHARD, render_shards
from depthpaint.training.evaluate import evaluate
from depthpaint.training.export import export
from depthpaint.training.recipe import load_trained, log_line, train


def train_diorama(folder: Path, minutes: float, device: str, shards: int) -> None:
    """Render `shards` of scenes, train for `minutes` in all, and export to `folder/diorama`.

    Run it again after a stop: it goes on where it was. Progress goes to stderr, the exported folder to
    stdout.
    """
    (folder / "data").mkdir(parents=True, exist_ok=True)
    with _bar() as bar:
        task = bar.add_task(f"rendering {shards * SHARD} scenes", total=shards)
        for _ in render_shards(folder / "data", shards):
            bar.advance(task)
    with _bar() as bar, (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        task = bar.add_task("training", total=1.0)
        for report in train(folder, minutes, device=device):
            log.write(log_line(report) + "\n")
            log.flush()
            bar.update(task, completed=report.share_done, description=f"training, loss {report.loss:.3f}")
    export_checkpoint(folder, folder / "diorama", device)
    sys.stdout.write(f"{folder / 'diorama'}\n")


def export_checkpoint(folder: Path, target: Path, device: str) -> None:
    """Export the averaged weights of the last checkpoint in `folder` as package files in `target`."""
    networks, progress = load_trained(folder)
    export(networks, target, training_facts(progress, folder, device))


def training_facts(progress: Progress, folder: Path, device: str) -> dict[str, object]:
    """What the model card says of the run."""
    scenes = len(list((folder / "data").glob("shard-*.safetensors"))) * SHARD
    return {
        "steps": progress.steps,
        "samples": progress.samples,
        "minutes": round(progress.seconds / 60, 1),
        "scenes": scenes,
        "device": f"{device}, {os.cpu_count()} cores" if device == "cpu" else device,
        "torch": torch.__version__,
        "date": date.today().isoformat(),
    }


def evaluate_diorama(folder: Path, scenes: int) -> dict[str, object]:
    """Score the model in `folder/diorama`, or the shipped one when there is none.

    Write the sheet beside it.
    """
    own = folder / "diorama"
    files = open_files(own) if own.exists() else open_files()
    engine = Engine(lambda _name: Diorama(DIORAMA, files))
    with _bar() as bar:
        task = bar.add_task(f"painting {scenes} scenes", total=scenes)
        table, sheet = evaluate(engine, scenes, on_scene=lambda: bar.advance(task))
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(folder / "held-out.png")
    (folder / "scores.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return table


def _bar() -> ProgressBar:
    console = Console(stderr=True)
    return ProgressBar(console=console, disable=not console.is_terminal)
