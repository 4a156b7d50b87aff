"""Stock diffusers painting with a ControlNet, as its documentation shows it; prints one JSON line.

python control_peer.py TASK.json (see bench.steps.StepsTask)
"""

from __future__ import annotations

import json
import resource
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch

PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def main() -> None:
    """Paint `runs` times; report the seconds of every step, of loading, and the peak of memory in MB."""
    task: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    xl = (Path(task["model"]) / "text_encoder_2").exists()
    began = time.perf_counter()
    precision = PRECISIONS[task["precision"]]
    network = diffusers.ControlNetModel.from_pretrained(task["control"], torch_dtype=precision)
    kind = "StableDiffusionXLControlNetPipeline" if xl else "StableDiffusionControlNetPipeline"
    pipeline = getattr(diffusers, kind).from_pretrained(
        task["model"], controlnet=network, torch_dtype=precision
    )
    pipeline.scheduler = diffusers.DDIMScheduler.from_config(
        pipeline.scheduler.config, timestep_spacing="trailing"
    )
    pipeline.to(task["device"])
    if task["compile"]:
        pipeline.unet = torch.compile(pipeline.unet)
        pipeline.controlnet = torch.compile(pipeline.controlnet)
    pipeline.set_progress_bar_config(disable=True)
    load = time.perf_counter() - began
    hint = torch.from_numpy(np.load(task["depth"]))[None, None].expand(-1, 3, -1, -1)
    start, end = task["control_window"]
    runs: list[list[float]] = []
    for _ in range(task["runs"]):
        stamps: list[float] = []

        def note(
            _pipeline: Any, _step: int, _timestep: Any, values: dict[str, Any], stamps: list[float] = stamps
        ) -> dict[str, Any]:
            if task["device"] == "cuda":
                torch.cuda.synchronize()
            stamps.append(time.perf_counter())
            return values

        pipeline(
            task["prompt"], image=hint, width=task["width"], height=task["height"],
            num_inference_steps=task["num_inference_steps"], guidance_scale=task["guidance_scale"],
            control_guidance_start=start, control_guidance_end=end, callback_on_step_end=note,
            generator=torch.Generator().manual_seed(task["seed"]),
        )  # fmt: skip
        # The first step's own start is not told: what comes before it is not the step's.
        runs.append([after - before for before, after in pairwise(stamps)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"load": load, "steps": runs, "peak_mb": round(peak)}) + "\n")


if __name__ == "__main__":
    main()
