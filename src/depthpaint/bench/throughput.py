"""Benchmarks of denoising steps, and of many rows, against stock diffusers."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.bench.contest import PEERS, SAMPLER, SCHEDULE, run_side, sphere_before_a_wall
from depthpaint.core.statistics import Timing, psnr
from depthpaint.depth.hints import relief_of
from depthpaint.engine import Engine
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.models.painter import Device, Precision, Runtime
from depthpaint.picture import Progress
from depthpaint.request import request_from

STEPS_PEER = "control_peer.py"
OWN = "depthpaint.bench.throughput"
ALL, HALF = "all steps", "half of the steps"
"""The share of the counted steps in which depth control is active."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsTask:
    """Folders of a model and a ControlNet, size in pixels, and settings that both sides use."""

    model: str
    control: str
    depth: str = ""
    width: int = 512
    height: int = 512
    prompt: str = "a house in the forest"
    seed: int = 12345
    num_inference_steps: int = 5
    guidance_scale: float = 7.5
    control_window: tuple[float, float] = (0.0, 1.0)
    device: str = "cpu"
    precision: str = "fp32"
    compile: bool = False
    runs: int = 2


@dataclass(frozen=True, slots=True)
class StepsContest:
    """By side and window: seconds per step; peak memory in MB."""

    seconds: dict[str, dict[str, Timing]]
    peak_mb: dict[str, int]

    def ratio(self, window: str) -> float:
        """How many times as fast depthpaint is."""
        return round(self.seconds["diffusers"][window].median / self.seconds["depthpaint"][window].median, 3)


def measure_steps(task: StepsTask, turns: int, on_run: Callable[[], None] = lambda: None) -> StepsContest:
    """Run both sides alternately in separate processes, with depth control in all steps and in half of them.

    The first of several pictures of a process warms up and is not counted, nor is the first step of any:
    diffusers does not report when it starts. Raises ModelError if a side fails.
    """
    seconds: dict[str, dict[str, list[float]]] = {"depthpaint": {}, "diffusers": {}}
    peak: dict[str, int] = dict.fromkeys(seconds, 0)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        np.save(work / "depth.npy", _depth(task.width, task.height))
        for turn in range(turns):
            for name, end in ((ALL, 1.0), (HALF, half_window(task.num_inference_steps))):
                # The order alternates, so that neither side always runs on the warmer machine.
                for side in list(seconds) if turn % 2 == 0 else list(reversed(seconds)):
                    result = _run(
                        side, replace(task, depth=str(work / "depth.npy"), control_window=(0.0, end)), work
                    )
                    rounds: list[list[float]] = result["steps"][1:] or result["steps"]
                    steps = [sum(each[-(task.num_inference_steps - 1) :]) for each in rounds]
                    steps = [total / (task.num_inference_steps - 1) for total in steps]
                    seconds[side].setdefault(name, []).extend(steps)
                    peak[side] = max(peak[side], int(result["peak_mb"]))
                    on_run()
    timings = {
        side: {window: Timing.of(each) for window, each in windows.items()}
        for side, windows in seconds.items()
    }
    return StepsContest(timings, peak)


def half_window(steps: int) -> float:
    """The end of the control window for half of all steps but the first; `steps` is odd."""
    return (steps + 1) / (2 * steps)


def _depth(width: int, height: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.asarray(Image.fromarray(sphere_before_a_wall(256)).resize((width, height)))


def _run(side: str, task: StepsTask, work: Path) -> dict[str, Any]:
    (work / "task.json").write_text(json.dumps(asdict(task)), encoding="utf-8")
    program = ["-m", OWN] if side == "depthpaint" else [str(PEERS / STEPS_PEER)]
    printed = run_side([sys.executable, *program, str(work / "task.json")])
    return json.loads(printed.strip().splitlines()[-1])


ROWS_PEER = "rows_peer.py"
STEPS, GUIDANCE = DIORAMA.num_inference_steps, DIORAMA.guidance_scale
MAPS = 4
THINGS = ("red sphere", "blue sphere", "golden sphere", "white sphere", "green sphere", "wooden sphere")


@dataclass(frozen=True, slots=True)
class Throughput:
    """Seconds of whole processes over the same `rows` by side; median `psnr` of their pictures, in dB."""

    rows: int
    seconds: dict[str, Timing]
    psnr: float

    @property
    def times_as_fast(self) -> float:
        """The ratio of depthpaint's rows per second to the peer's."""
        return self.seconds["diffusers"].median / self.seconds["depthpaint"].median


def measure_throughput(
    work: Path, folder: Path, *, rows: int, side: int, repeats: int, on_run: Callable[[], None]
) -> Throughput:
    """Paint `rows` rows of `side` x `side` pixels in processes of both sides alternately, after warm-ups.

    `folder` contains diorama in diffusers' layout. `on_run` is called after each of the 2 (repeats + 1) runs.
    """
    manifest, listed = _write_rows(work, rows, side)
    settings = {"size": f"{side}x{side}", "num_inference_steps": STEPS, "guidance_scale": GUIDANCE}
    settings |= {
        "sampler": SAMPLER,
        "schedule": SCHEDULE,
        "finish": "false",
        "expand": "false",
        "near": "white",
    }
    flags = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    seconds: dict[str, list[float]] = {"depthpaint": [], "diffusers": []}
    for turn in range(repeats + 1):
        own, peer = work / f"own-{turn}", work / f"peer-{turn}"
        peer.mkdir()
        commands = {
            "depthpaint": ["-m", "depthpaint", "batch", str(manifest), "--out", str(own), "--quiet", *flags],
            "diffusers": [str(part) for part in (PEERS / ROWS_PEER, folder, listed, STEPS, GUIDANCE, peer)],
        }
        for name, command in commands.items():
            started = time.perf_counter()
            run_side([sys.executable, *command])
            if turn > 0:
                seconds[name].append(time.perf_counter() - started)
            on_run()
    names = [f"{number:04d}.png" for number in range(rows)]
    alike = [
        psnr(_picture(work / "own-0" / name), _picture(work / "peer-0" / name), peak=1) for name in names
    ]
    return Throughput(rows, {name: Timing.of(took) for name, took in seconds.items()}, median(alike))


def _write_rows(work: Path, rows: int, side: int) -> tuple[Path, Path]:
    """The manifest of one side and the list of the other: a few maps, each with many prompts and seeds."""
    scene = sphere_before_a_wall(side)
    for number in range(MAPS):
        depth = np.roll(scene, number * side // (2 * MAPS), axis=1)
        np.save(work / f"depth-{number}.npy", depth)
        np.save(work / f"hint-{number}.npy", relief_of(depth))
    manifest, listed = work / "rows.csv", work / "rows.json"
    entries: list[dict[str, object]] = []
    with manifest.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("depth", "prompt", "seed", "name"))
        for number in range(rows):
            prompt = f"a {THINGS[number % len(THINGS)]} on a brown floor in front of a white wall, at noon"
            name, which = f"{number:04d}", number * MAPS // rows
            table.writerow((f"depth-{which}.npy", prompt, number, name))
            hint = str(work / f"hint-{which}.npy")
            entries.append({"hint": hint, "prompt": prompt, "seed": number, "name": f"{name}.png"})
    listed.write_text(json.dumps(entries), encoding="utf-8")
    return manifest, listed


def _picture(path: Path) -> NDArray[np.float64]:
    with Image.open(path, formats=("PNG",)) as picture:
        return np.asarray(picture.convert("RGB"), np.float64) / 255


def paint_steps() -> None:
    """Paint `runs` times; print the seconds of every step and of loading, and the peak memory in MB."""
    import resource  # which Windows lacks; there the rest of this module still works

    task: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    device, precision = task["device"], task["precision"]
    assert device in get_args(Device) and precision in get_args(Precision)  # noqa: S101
    engine = Engine(runtime=Runtime(device, precision, bool(task["compile"])))
    request = request_from({
        "depth": task["depth"], "prompt": task["prompt"], "seed": task["seed"], "near": "white",
        "kind": "disparity", "size": f"{task['width']}x{task['height']}", "model": task["model"],
        "control": task["control"], "num_inference_steps": task["num_inference_steps"],
        "guidance_scale": task["guidance_scale"], "control_window": task["control_window"],
        "sampler": "ddim", "schedule": "trailing",
    })  # fmt: skip
    runs: list[list[float]] = []
    load = 0.0
    for _ in range(task["runs"]):
        stamps: list[float] = []

        def note(_: Progress, stamps: list[float] = stamps) -> None:
            stamps.append(time.perf_counter())

        began = time.perf_counter()
        result = engine.paint(request, note)
        load = load or result.seconds["load"]
        # The first step starts after all preparation.
        before = sum(result.seconds[stage] for stage in ("read", "load", "text", "control"))
        starts = [began + before, *stamps[:-1]]
        runs.append([end - start for start, end in zip(starts, stamps, strict=True)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"load": load, "steps": runs, "peak_mb": round(peak)}) + "\n")


if __name__ == "__main__":
    paint_steps()
