"""The latency study: time per stage, the gain and cost of faster settings, and the cost of a cold start."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.core.setting import CONFIG_VARIABLE
from depthpaint.core.statistics import Interval, interval_of, psnr
from depthpaint.engine import Engine
from depthpaint.models.registry import registered_as
from depthpaint.picture import Pixels
from depthpaint.plan import RunPlan
from depthpaint.record.picture_file import read_record
from depthpaint.record.result import record_of
from depthpaint.record.run_record import RunRecord
from depthpaint.report.recipe import recipe
from depthpaint.request import Request
from depthpaint.verification.agreement import agreement


def cold(record: RunRecord, depth: Path, repeats: int) -> dict[str, Interval]:
    """Seconds of whole processes that paint `record`'s picture from `depth`, by stage.

    "start and save" is the time outside all stages. Raises ModelError with the last line of a failed
    process's output.
    """
    stages: dict[str, list[float]] = {}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            seconds = _cold_once(record, depth, Path(folder))
        for stage, took in seconds.items():
            stages.setdefault(stage, []).append(took)
    return {stage: interval_of(took) for stage, took in stages.items()}


def _cold_once(record: RunRecord, depth: Path, folder: Path) -> dict[str, float]:
    program, command, *words = shlex.split(recipe(record))
    # A record has only the name of a map outside the working folder.
    words[words.index(record.depth.file)] = str(depth)
    extra = [f"--out={folder}", "--name=cold", "--quiet"]
    started = perf_counter()
    command_line = [sys.executable, "-m", program, command, *extra, *words]
    environment = {**os.environ, CONFIG_VARIABLE: ""}  # no user defaults: paint what the record says
    done = subprocess.run(command_line, capture_output=True, text=True, check=False, env=environment)
    whole = perf_counter() - started
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise ModelError(
            f"painting in a separate process failed: {last}",
            code=ErrorCode.MODEL_INCOMPATIBLE,
            remedy="skip it with --cold 0",
        )
    seconds = dict(read_record(folder / "cold.png").seconds)
    seconds.pop("picture")
    return {"start and save": whole - sum(seconds.values()), **seconds, "whole process": whole}


AS_IT_IS = "as it is"


@dataclass(frozen=True, slots=True)
class Lever:
    """A change of the request that may save time, or of the number of `threads`."""

    name: str
    changes: Mapping[str, object]
    threads: int | None = None


@dataclass(slots=True)
class Measured:
    """A lever's measurements: seconds of each run, and the agreement and likeness for each seed.

    `likeness` is the PSNR in dB to the picture of the unchanged request with the same seed, if the sizes are
    equal.
    """

    lever: Lever
    record: RunRecord | None = None
    seconds: list[float] = field(default_factory=list[float])
    stages: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    depth_agreement: list[float] = field(default_factory=list[float])
    likeness: list[float] = field(default_factory=list[float])

    @property
    def time(self) -> Interval:
        """Seconds a picture."""
        return interval_of(self.seconds)


def levers_of(plan: RunPlan) -> list[Lever]:
    """The changes to try on a request with this plan; the first changes nothing."""
    settings = plan.settings
    steps = settings.num_inference_steps
    levers = [Lever(AS_IT_IS, {})]
    levers += [
        Lever(f"{fewer} step{'s' if fewer > 1 else ''}", {"num_inference_steps": fewer})
        for fewer in sorted({max(1, steps * share // 4) for share in (3, 2, 1)} - {steps}, reverse=True)
    ]
    levers += [
        Lever(f"sampler {name}", {"sampler": name})
        for name in ("euler", "ddim", "dpm++-2m", "unipc")
        if name != settings.sampler
    ]
    if settings.guidance_scale != 1:
        levers.append(Lever("no guidance", {"guidance_scale": 1.0}))
        levers.append(Lever("guidance in the first half", {"guidance_window": (0.0, 0.5)}))
        levers.append(Lever("guidance in the middle", {"guidance_window": (0.2, 0.8)}))
    levers += [
        Lever(f"schedule {name}", {"schedule": name})
        for name in ("trailing", "karras")
        if name != settings.schedule
    ]
    if settings.finish and plan.sizes.resized:
        levers.append(Lever("without finishing", {"finish": False}))
    model = registered_as(settings.model)
    if model is not None and not model.parts:
        # torch has one number of threads per process, so two engines cannot be compared in turn.
        levers.append(Lever("one thread", {}, threads=1))
    levers.append(Lever("depth in the first half", {"control_window": (0.0, 0.5)}))
    width, height = plan.sizes.output_size
    half = f"{max(8, round(width * 0.7))}x{max(8, round(height * 0.7))}"
    levers.append(Lever(f"half the pixels, {half}", {"size": half, "aspect": None}))
    return levers


def measure(
    engine: Engine,
    request: Request,
    levers: Sequence[Lever],
    *,
    seeds: int,
    repeats: int,
    estimator: str,
    on_painted: Callable[[], None] | None = None,
) -> list[Measured]:
    """Paint every lever with every seed `repeats` times after one warm-up, all levers in turn.

    The levers alternate, because the load of a shared machine varies over time. Raises DepthpaintError.
    """
    measured = [Measured(lever) for lever in levers]
    engines = {
        threads: engine if threads is None else engine.elsewhere(replace(engine.runtime, threads=threads))
        for threads in {lever.threads for lever in levers}
    }
    plain: dict[int, Pixels] = {}
    for repeat in range(-1, repeats):
        for number in range(seeds if repeat >= 0 else 1):
            for one in measured:
                painter = engines[one.lever.threads]
                _paint(painter, _changed(request, one.lever, number), one, plain, estimator, repeat)
                if on_painted is not None:
                    on_painted()
    return measured


def _changed(request: Request, lever: Lever, number: int) -> Request:
    return Request.model_validate({**request.with_seed(request.seeds[0] + number).given(), **lever.changes})


def _paint(
    engine: Engine,
    request: Request,
    measured: Measured,
    plain: dict[int, Pixels],
    estimator: str,
    repeat: int,
) -> None:
    started = perf_counter()
    result = engine.paint(request)
    seconds = perf_counter() - started
    if repeat < 0:
        measured.record = record_of(result, 0)
        return
    measured.seconds.append(seconds)
    for stage, took in result.seconds.items():
        measured.stages.setdefault(stage, []).append(took)
    if repeat > 0:
        return
    pixels = result.pictures[0].pixels
    measured.depth_agreement.append(agreement(engine, request, pixels, estimator).depth_agreement)
    if measured.lever.name == AS_IT_IS:
        plain[request.seeds[0]] = pixels
    elif plain[request.seeds[0]].shape == pixels.shape:
        measured.likeness.append(psnr(plain[request.seeds[0]], pixels))


def fastest_of_their_kind(measured: Sequence[Measured]) -> list[Measured]:
    """The Pareto front: those that no other beats in both time and depth agreement, slowest first."""

    def beaten(one: Measured) -> bool:
        return any(
            other.time.median < one.time.median and _quality(other) >= _quality(one)
            for other in measured
            if other is not one
        )

    return sorted((one for one in measured if not beaten(one)), key=lambda one: -one.time.median)


def within(measured: Sequence[Measured], seconds: float) -> Measured | None:
    """The one with the best agreement within the time; None if there is none."""
    fast = [one for one in measured if one.time.median <= seconds]
    return max(fast, key=_quality, default=None)


def _quality(one: Measured) -> float:
    return float(np.median(one.depth_agreement))
