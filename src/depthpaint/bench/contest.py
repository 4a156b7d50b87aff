"""depthpaint and stock diffusers on the same task, alternating, on the same machine in the same run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.core.installation import command_for
from depthpaint.core.setting import CONFIG_VARIABLE
from depthpaint.core.statistics import Timing, psnr
from depthpaint.depth.hints import relief_of
from depthpaint.models.diorama.family import DIORAMA


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchTask:
    """Depth file (.npy float32 in [0, 1], 1 = nearest), prompt and settings that both sides use."""

    depth: Path
    prompt: str = "a red sphere on a blue floor in front of a yellow wall, at noon"
    seed: int = 12345
    num_inference_steps: int = DIORAMA.num_inference_steps
    guidance_scale: float = DIORAMA.guidance_scale


def sphere_before_a_wall(side: int) -> NDArray[np.float32]:
    """A unit sphere on a floor 1.6 m below the camera, 8 m from a wall: disparity (side, side) in [0, 1]."""
    v, u = np.meshgrid(
        1 - 2 * (np.arange(side) + 0.5) / side, 2 * (np.arange(side) + 0.5) / side - 1, indexing="ij"
    )
    x, y = 0.5 * u, 0.5 * v - 0.15
    disparity = np.maximum(1 / 8.0, -y / 1.6)
    centre = np.array([0.0, -0.6, 5.0])
    a, b = x * x + y * y + 1, x * centre[0] + y * centre[1] + centre[2]
    root = b * b - a * (centre @ centre - 1.0)
    distance = (b - np.sqrt(np.maximum(root, 0))) / a
    disparity = np.where(root > 0, np.maximum(disparity, 1 / distance), disparity)
    low, high = disparity.min(), disparity.max()
    return ((disparity - low) / (high - low)).astype(np.float32)


PEERS = Path(__file__).parents[3] / "peers"
"""The scripts with stock diffusers, beside `src` in a checkout; not part of an installed wheel."""
PEER = "diffusers_peer.py"
SAMPLER, SCHEDULE = "dpm++-2m", "trailing"
"""Steps that depthpaint does beyond the network are off, so that both sides paint the same picture."""
WARM_PICTURES = 2
"""Pictures at the start of a steady run that are not counted."""


@dataclass(frozen=True, slots=True)
class Contest:
    """Times of whole processes (`cold`) and of a loaded program (`steady`) by side, and the likeness."""

    cold: dict[str, Timing]
    steady: dict[str, Timing]
    psnr: float | None


def measure(
    task: BenchTask,
    work: Path,
    *,
    repeats: int,
    peer_folder: Path | None,
    on_run: Callable[[], None] = lambda: None,
) -> Contest:
    """Run both sides alternately `repeats` times after one warm-up each.

    With `peer_folder` None diffusers is left out. `on_run` is called after each of the `runs_of` runs.
    """
    sides = ["depthpaint", *(["diffusers"] if peer_folder else [])]
    cold: dict[str, list[float]] = {side: [] for side in sides}
    steady: dict[str, list[float]] = {side: [] for side in sides}
    for turn in range(repeats + 1):
        for side in sides:
            started = time.perf_counter()
            if side == "depthpaint":
                run_side([sys.executable, "-m", "depthpaint", *_arguments(task, work)])
            else:
                _peer(task, work, peer_folder, 1)
            if turn > 0:
                cold[side].append(time.perf_counter() - started)
            on_run()
    for _ in range(repeats):
        steady["depthpaint"] += _own_pictures(task, 3 + WARM_PICTURES)[WARM_PICTURES:]
        on_run()
        if peer_folder:
            steady["diffusers"] += _peer(task, work, peer_folder, 3 + WARM_PICTURES)["pictures"][
                WARM_PICTURES:
            ]
            on_run()
    alike = psnr(_own_picture(work), np.load(work / "peer.npy"), peak=1) if peer_folder else None
    return Contest(
        {k: Timing.of(v) for k, v in cold.items()}, {k: Timing.of(v) for k, v in steady.items()}, alike
    )


def runs_of(repeats: int, *, with_peer: bool) -> int:
    """How many runs `measure` makes: whole processes with their warm-up, then loaded programs."""
    return (2 * repeats + 1) * (2 if with_peer else 1)


def _arguments(task: BenchTask, work: Path) -> list[str]:
    return [
        "generate", str(task.depth), task.prompt, "--seed", str(task.seed),
        "--steps", str(task.num_inference_steps), "--guidance", str(task.guidance_scale), "--size", "depth",
        "--sampler", SAMPLER, "--schedule", SCHEDULE, "--no-finish", "--no-expand",
        "--out", str(work), "--name", "own", "--overwrite", "-q",
    ]  # fmt: skip


def _own_picture(work: Path) -> NDArray[np.float64]:
    with Image.open(work / "own.png") as image:
        return np.asarray(image, dtype=np.float64) / 255


def _own_pictures(task: BenchTask, pictures: int) -> list[float]:
    from depthpaint.engine import Engine
    from depthpaint.request import Request

    engine = Engine()
    request = Request(
        depth=task.depth, prompt=task.prompt, seed=task.seed, size="depth",
        num_inference_steps=task.num_inference_steps, guidance_scale=task.guidance_scale,
        sampler=SAMPLER, schedule=SCHEDULE, finish=False, expand=False,
    )  # fmt: skip
    seconds: list[float] = []
    for _ in range(pictures):
        started = time.perf_counter()
        engine.paint(request)
        seconds.append(time.perf_counter() - started)
    return seconds


def _peer(task: BenchTask, work: Path, folder: Path | None, pictures: int) -> dict[str, Any]:
    settings = (task.prompt, task.seed, task.num_inference_steps, task.guidance_scale, pictures)
    np.save(work / "relief.npy", relief_of(np.load(task.depth)))
    command = [sys.executable, PEERS / PEER, folder, work / "relief.npy", *settings, work / "peer.npy"]
    return json.loads(run_side([str(part) for part in command]).strip().splitlines()[-1])


def require_peers() -> None:
    """Raise ModelError if depthpaint is not in a checkout, which has the scripts with stock diffusers."""
    if not (PEERS / PEER).is_file():
        raise ModelError(
            "bench --vs diffusers needs a checkout of depthpaint: an installed package lacks the scripts",
            code=ErrorCode.MODEL_INCOMPATIBLE,
            remedy="clone the repository, then pip install -e '.[sd]' there",
        )


def run_side(command: Sequence[str]) -> str:
    """The output of one side. Raises ModelError with the last line of its error output if it fails."""
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        CONFIG_VARIABLE: "",
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(
            f"one side of the benchmark failed: {last}",
            code=ErrorCode.MODEL_INCOMPATIBLE,
            remedy=f"--vs diffusers needs what {command_for('sd')} installs",
        )
    return done.stdout
