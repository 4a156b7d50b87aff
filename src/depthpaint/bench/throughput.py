"""Many rows with depthpaint's batch and with a loop of stock diffusers, in turns, on the same machine."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.bench.clock import Timing
from depthpaint.bench.contest import PEERS, SAMPLER, SCHEDULE, psnr, run_side
from depthpaint.bench.task import sphere_before_a_wall
from depthpaint.depth.relief import relief_of
from depthpaint.models.diorama.habits import DIORAMA

PEER = "rows_peer.py"
STEPS, GUIDANCE = DIORAMA.num_inference_steps, DIORAMA.guidance_scale
MAPS = 4
THINGS = ("red sphere", "blue sphere", "golden sphere", "white sphere", "green sphere", "wooden sphere")


@dataclass(frozen=True, slots=True)
class Throughput:
    """Seconds of whole processes over the same `rows` by side; `psnr` of their pictures, median, in dB."""

    rows: int
    seconds: dict[str, Timing]
    psnr: float

    @property
    def times_as_fast(self) -> float:
        """How many times the rows of the peer depthpaint paints in a second."""
        return self.seconds["diffusers"].median / self.seconds["depthpaint"].median


def measure_throughput(
    work: Path, folder: Path, *, rows: int, side: int, repeats: int, on_run: Callable[[], None]
) -> Throughput:
    """Paint `rows` rows of `side` x `side` pixels in processes of both sides, in turns, after a warm-up each.

    `folder` is diorama as diffusers reads it. `on_run` is called after each of the 2 (repeats + 1) runs.
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
            "diffusers": [str(part) for part in (PEERS / PEER, folder, listed, STEPS, GUIDANCE, peer)],
        }
        for name, command in commands.items():
            started = time.perf_counter()
            run_side([sys.executable, *command])
            if turn > 0:
                seconds[name].append(time.perf_counter() - started)
            on_run()
    names = [f"{number:04d}.png" for number in range(rows)]
    alike = [psnr(_picture(work / "own-0" / name), _picture(work / "peer-0" / name)) for name in names]
    return Throughput(rows, {name: Timing.of(took) for name, took in seconds.items()}, median(alike))


def _write_rows(work: Path, rows: int, side: int) -> tuple[Path, Path]:
    """The manifest of one side and the list of the other: a few maps, each with many sentences and seeds."""
    scene = sphere_before_a_wall(side)
    for number in range(MAPS):
        depth = np.roll(scene, number * side // (2 * MAPS), axis=1)
        np.save(work / f"depth-{number}.npy", depth)
        np.save(work / f"hint-{number}.npy", relief_of(depth))
    manifest, listed = work / "rows.csv", work / "rows.json"
    told: list[dict[str, object]] = []
    with manifest.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("depth", "prompt", "seed", "name"))
        for number in range(rows):
            prompt = f"a {THINGS[number % len(THINGS)]} on a brown floor in front of a white wall, at noon"
            name, which = f"{number:04d}", number * MAPS // rows
            table.writerow((f"depth-{which}.npy", prompt, number, name))
            hint = str(work / f"hint-{which}.npy")
            told.append({"hint": hint, "prompt": prompt, "seed": number, "name": f"{name}.png"})
    listed.write_text(json.dumps(told), encoding="utf-8")
    return manifest, listed


def _picture(path: Path) -> NDArray[np.float64]:
    with Image.open(path, formats=("PNG",)) as picture:
        return np.asarray(picture.convert("RGB"), np.float64) / 255
