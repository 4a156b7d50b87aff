"""`depthpaint bench`: a table on stderr, one JSON document on stdout."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from depthpaint.bench.contest import BenchTask, Contest, measure, runs_of, sphere_before_a_wall
from depthpaint.bench.throughput import GUIDANCE, STEPS, StepsTask, measure_steps, measure_throughput
from depthpaint.core.geometry import Extent
from depthpaint.core.statistics import Timing
from depthpaint.depth.read import read_depth
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.record.sections import environment

WIDTH, HEIGHT = 4000, 3000


def large_map(width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint16]:
    """A noisy floor with hills, uint16 (height, width): 12 megapixels that compress like real scans."""
    y, x = np.arange(height, dtype=np.float64)[:, None], np.arange(width, dtype=np.float64)
    depth: NDArray[np.float64] = 0.7 * y / height + 0.1 * x / width + 0.1 * np.sin(x / 300) * np.cos(y / 200)
    depth = (depth - depth.min()) / np.ptp(depth) * 65_535
    grain: NDArray[np.float64] = np.random.default_rng(0).normal(0, 20, depth.shape)
    return np.clip(np.rint(depth + grain), 0, 65_535).astype(np.uint16)


def measure_inspection(repeats: int, on_run: Callable[[], None] = lambda: None) -> dict[str, Timing]:
    """Time decoding by Pillow and the full inspection alternately, `repeats` times after one warm-up each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.png"
        Image.fromarray(large_map()).save(path)
        seconds: dict[str, list[float]] = {"pillow": [], "depthpaint": []}
        for turn in range(repeats + 1):
            for side, run in (("pillow", _decode), ("depthpaint", read_depth)):
                started = time.perf_counter()
                run(path)
                if turn > 0:
                    seconds[side].append(time.perf_counter() - started)
                on_run()
    return {side: Timing.of(times) for side, times in seconds.items()}


def _decode(path: Path) -> NDArray[np.uint16]:
    with Image.open(path) as image:
        return np.asarray(image)


def bench(vs: str | None, repeats: int, as_json: bool, side: int = 128) -> None:
    """Measure whole processes and loaded programs, and stock diffusers if `vs` is "diffusers".

    Both alternate on the same machine.

    The JSON document goes to stdout; with `as_json` nothing else is printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        np.save(work / "depth.npy", sphere_before_a_wall(side))
        task = BenchTask(depth=work / "depth.npy")
        peer_folder = None
        if vs is not None:
            from depthpaint.models.diorama.export import write_diffusers_folder

            peer_folder = write_diffusers_folder(work / "diffusers", DIORAMA)
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            step = bar.add_task("measuring", total=runs_of(repeats, with_peer=peer_folder is not None))
            contest = measure(
                task, work, repeats=repeats, peer_folder=peer_folder, on_run=lambda: bar.advance(step)
            )
    document = _document(contest, task, side)
    if not as_json:
        Console(stderr=True).print(_table(document))
    sys.stdout.write(json.dumps(document) + "\n")


def bench_rows(rows: int, side: int, repeats: int, as_json: bool) -> None:
    """Measure `batch` over rows of `side` x `side` pixels, alternating with a loop of stock diffusers."""
    from depthpaint.models.diorama.export import write_diffusers_folder

    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        peer = write_diffusers_folder(work / "diffusers", DIORAMA)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            step = bar.add_task("measuring", total=2 * (repeats + 1))
            throughput = measure_throughput(
                work, peer, rows=rows, side=side, repeats=repeats, on_run=lambda: bar.advance(step)
            )
    if not as_json:
        for name, timing in throughput.seconds.items():
            console.print(f"{name:<11} {timing}, {rows / timing.median:.2f} pictures per second")
        console.print(
            f"times as fast as diffusers: {throughput.times_as_fast:.2f}; PSNR {throughput.psnr:.1f} dB"
        )
    versions = {name: version(name) for name in ("torch", "diffusers", "transformers")}
    document = asdict(throughput) | {
        "task": {"size": f"{side}x{side}", "num_inference_steps": STEPS, "guidance_scale": GUIDANCE},
        "times_as_fast": round(throughput.times_as_fast, 3), "environment": environment() | versions,
    }  # fmt: skip
    sys.stdout.write(json.dumps(document) + "\n")


def bench_inspection(repeats: int, as_json: bool) -> None:
    """Measure the inspection of a 12-megapixel 16-bit PNG, alternating with Pillow's decoding."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        step = bar.add_task("measuring", total=2 * (repeats + 1))
        timings = measure_inspection(repeats, lambda: bar.advance(step))
    ratio = round(timings["depthpaint"].median / timings["pillow"].median, 3)
    document = {
        "task": {"size": f"{WIDTH}x{HEIGHT}", "format": "PNG, 16-bit gray"},
        "timings": {side: asdict(timing) for side, timing in timings.items()},
        "ratio": ratio,
        "environment": environment() | {"pillow": version("pillow")},
    }
    if not as_json:
        for side, timing in timings.items():
            console.print(f"{side:<11} {timing}")
        console.print(f"ratio       {ratio}")
    sys.stdout.write(json.dumps(document) + "\n")


def bench_steps(
    model: str,
    control: str,
    size: str,
    steps: int,
    pictures: int,
    turns: int,
    *,
    device: str,
    precision: str,
    compiled: bool,
) -> None:
    """Measure the steps of a Stable Diffusion against stock diffusers; one JSON document on stdout."""
    width, height = Extent.parse(size)
    task = StepsTask(
        model=model, control=control, width=width, height=height, num_inference_steps=steps, device=device,
        precision=precision, compile=compiled, runs=pictures,
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        step = bar.add_task("measuring", total=4 * turns)
        contest = measure_steps(task, turns, lambda: bar.advance(step))
    ratios = {window: contest.ratio(window) for window in contest.seconds["depthpaint"]}
    for side, windows in contest.seconds.items():
        for window, timing in windows.items():
            console.print(
                f"{side:<11} depth in {window:<17} {timing} a step, peak {contest.peak_mb[side]} MB"
            )
    console.print("times as fast as diffusers: " + ", ".join(f"{k} {v:.2f}" for k, v in ratios.items()))
    shown = {name: value for name, value in asdict(task).items() if name not in ("model", "control", "depth")}
    versions = {name: version(name) for name in ("torch", "diffusers", "transformers")}
    document = asdict(contest) | {
        "task": shown, "times_as_fast": ratios, "environment": environment() | versions
    }  # fmt: skip
    sys.stdout.write(json.dumps(document) + "\n")


def _document(contest: Contest, task: BenchTask, side: int) -> dict[str, Any]:
    document: dict[str, Any] = {
        "task": {
            "size": f"{side}x{side}", "prompt": task.prompt, "seed": task.seed,
            "num_inference_steps": task.num_inference_steps, "guidance_scale": task.guidance_scale,
        },
        "cold": {name: asdict(timing) for name, timing in contest.cold.items()},
        "steady": {name: asdict(timing) for name, timing in contest.steady.items()},
        "environment": environment(),
    }  # fmt: skip
    if contest.psnr is not None:
        document["psnr"] = round(contest.psnr, 2)
        document["environment"] |= {name: version(name) for name in ("torch", "diffusers", "transformers")}
        for kind, timings in (("cold", contest.cold), ("steady", contest.steady)):
            document[f"{kind}_ratio"] = round(timings["depthpaint"].median / timings["diffusers"].median, 4)
    return document


def _table(document: dict[str, Any]) -> Table:
    table = Table(
        title=f"one picture of {document['task']['size']}, {document['task']['num_inference_steps']} steps"
    )
    for name in ("", "side", "median s", "lowest", "highest", "runs", "ratio"):
        table.add_column(name)
    for kind, meaning in (("cold", "whole process"), ("steady", "loaded program")):
        for side, timing in document[kind].items():
            ratio = document.get(f"{kind}_ratio") if side == "depthpaint" else None
            numbers = [f"{timing[key]:.2f}" for key in ("median", "lowest", "highest")]
            table.add_row(
                meaning, side, *numbers, str(timing["runs"]), "" if ratio is None else f"{ratio:.3f}"
            )
    if "psnr" in document:
        table.caption = f"the two pictures agree to {document['psnr']} dB"
    return table
