"""depthpaint painting with a Stable Diffusion; prints one JSON line.

python -m depthpaint.bench.sides.own_steps TASK.json (see bench.steps.StepsTask)
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, get_args

from depthpaint.engine import Engine, Progress
from depthpaint.models.runtime import Device, Precision, Runtime
from depthpaint.request import request_from


def main() -> None:
    """Paint `runs` times; report the seconds of every step, of loading, and the peak of memory in MB."""
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
        # The first step begins where everything before it ended.
        before = sum(result.seconds[stage] for stage in ("read", "load", "text", "control"))
        starts = [began + before, *stamps[:-1]]
        runs.append([end - start for start, end in zip(starts, stamps, strict=True)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"load": load, "steps": runs, "peak_mb": round(peak)}) + "\n")


if __name__ == "__main__":
    main()
