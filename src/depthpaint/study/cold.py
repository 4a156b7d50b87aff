"""What a first picture costs: a process that starts, loads, paints, saves and ends."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.core.interval import Interval, interval_of
from depthpaint.record.png_text import read_record
from depthpaint.record.run_record import RunRecord
from depthpaint.report.recipe import recipe


def cold(record: RunRecord, depth: Path, repeats: int) -> dict[str, Interval]:
    """Seconds of whole processes that paint `record`'s picture from `depth`, by stage.

    "start and save" is what no stage accounts for. Raises ModelError with the last line of a process that
    failed.
    """
    found: dict[str, list[float]] = {}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            seconds = _cold_once(record, depth, Path(folder))
        for stage, took in seconds.items():
            found.setdefault(stage, []).append(took)
    return {stage: interval_of(took) for stage, took in found.items()}


def _cold_once(record: RunRecord, depth: Path, folder: Path) -> dict[str, float]:
    program, command, *words = shlex.split(recipe(record))
    # A record names a map that lies elsewhere by its name alone.
    words[words.index(record.depth.file)] = str(depth)
    extra = [f"--out={folder}", "--name=cold", "--quiet"]
    started = perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", program, command, *extra, *words], capture_output=True, text=True, check=False
    )
    whole = perf_counter() - started
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ModelError(
            f"painting in a process of its own failed: {last}",
            code=ErrorCode.MODEL_INCOMPATIBLE,
            remedy="leave it out with --cold 0",
        )
    seconds = dict(read_record(folder / "cold.png").seconds)
    seconds.pop("picture")
    return {"start and save": whole - sum(seconds.values()), **seconds, "whole process": whole}
