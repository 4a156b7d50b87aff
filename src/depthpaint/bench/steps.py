"""The denoising steps of one Stable Diffusion, by depthpaint and by stock diffusers, in turns."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from depthpaint.bench.clock import Timing
from depthpaint.bench.contest import PEERS, run_side
from depthpaint.bench.task import sphere_before_a_wall

PEER = "control_peer.py"
OWN = "depthpaint.bench.sides.own_steps"
ALL, HALF = "all steps", "half of the steps"
"""In which of the counted steps depth is heard."""


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
    """By side and window: seconds of a whole round of steps divided by their number; peak memory in MB."""

    seconds: dict[str, dict[str, Timing]]
    peak_mb: dict[str, int]

    def ratio(self, window: str) -> float:
        """How many times as fast depthpaint is."""
        return round(self.seconds["diffusers"][window].median / self.seconds["depthpaint"][window].median, 3)


def measure_steps(task: StepsTask, turns: int, on_run: Callable[[], None] = lambda: None) -> StepsContest:
    """Run both sides in turns, each in its own process, with depth heard in all steps and in half of them.

    The first of several pictures of a process warms up and does not count, nor does the first step of any:
    diffusers does not tell where it begins. Raises ModelError where a side fails.
    """
    seconds: dict[str, dict[str, list[float]]] = {"depthpaint": {}, "diffusers": {}}
    peak: dict[str, int] = dict.fromkeys(seconds, 0)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        np.save(work / "depth.npy", _depth(task.width, task.height))
        for turn in range(turns):
            for name, end in ((ALL, 1.0), (HALF, half_window(task.num_inference_steps))):
                # Sides change places, so that neither always runs on the warmer machine.
                for side in list(seconds) if turn % 2 == 0 else list(reversed(seconds)):
                    told = _run(
                        side, replace(task, depth=str(work / "depth.npy"), control_window=(0.0, end)), work
                    )
                    rounds: list[list[float]] = told["steps"][1:] or told["steps"]
                    steps = [sum(each[-(task.num_inference_steps - 1) :]) for each in rounds]
                    steps = [total / (task.num_inference_steps - 1) for total in steps]
                    seconds[side].setdefault(name, []).extend(steps)
                    peak[side] = max(peak[side], int(told["peak_mb"]))
                    on_run()
    timings = {
        side: {window: Timing.of(each) for window, each in windows.items()}
        for side, windows in seconds.items()
    }
    return StepsContest(timings, peak)


def half_window(steps: int) -> float:
    """Where depth falls silent so that it is heard in half of all steps but the first; `steps` is odd."""
    return (steps + 1) / (2 * steps)


def _depth(width: int, height: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.asarray(Image.fromarray(sphere_before_a_wall(256)).resize((width, height)))


def _run(side: str, task: StepsTask, work: Path) -> dict[str, Any]:
    (work / "task.json").write_text(json.dumps(asdict(task)), encoding="utf-8")
    program = ["-m", OWN] if side == "depthpaint" else [str(PEERS / PEER)]
    printed = run_side([sys.executable, *program, str(work / "task.json")])
    return json.loads(printed.strip().splitlines()[-1])
