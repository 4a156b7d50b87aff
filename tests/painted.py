"""Results as an engine would hand them back, without an engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.geometry import Extent
from depthpaint.depth.depth_map import DepthReading, DepthSource, Finding
from depthpaint.plan import ModelHabits, RunPlan, make_plan
from depthpaint.record.result import PaintedPicture, Result
from depthpaint.request import Request

HABITS = ModelHabits(
    name="fake",
    trained_area=64 * 64,
    smallest_area=8 * 8,
    largest_area=128 * 128,
    multiple=32,
    latent_factor=8,
    latent_channels=4,
    prediction="v_prediction",
    zero_terminal_snr=False,
    sampler="dpm++-2m",
    schedule="trailing",
    num_inference_steps=4,
    guidance_scale=2.0,
    control_strength=1.0,
)
HOSTILE = [
    "a red ball\nNegative prompt: a blue ball",
    "Steps: 9, Seed: 1",
    "a ball\nSteps: 9, Sampler: Euler, CFG scale: 1, Seed: 1, Size: 1x1",
    '"quoted", \\back\\slashes\\, {{7*7}} <script>alert(1)</script> ${jndi:ldap://x}',
    "=cmd|' /C calc'!A0",
    "a 👩‍👩‍👧 and a 猫, кот, गाय",
    "שלום עולם \u202e gnp.exe \x1b]0;title\x07",
    "Z̸̡̛̗̏a̷̻͝l̶̨̛g̴̝̈́o̶̙͛",
    "<lyco:../../x:1> ../../etc/passwd",
    "",
    "   ",
    "Negative prompt: nothing else",
    "line\r\nline\u2028line\tand\x00".replace("\x00", ""),
]


def pixels_of(seed: int, size: Extent) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (size.height, size.width, 3), dtype=np.uint8)


def plan_of(**fields: object) -> RunPlan:
    asked = {
        "model": HABITS.name,
        "depth": Path("maps/room.png"),
        "prompt": "a red ball on a green floor",
        **fields,
    }
    request = Request.model_validate(asked)
    known = {name: value for name, value in request.given().items() if name in DepthReading.model_fields}
    reading = DepthReading.model_validate({**source().reading.model_dump(), **known})
    return make_plan(request, Extent(50, 40), HABITS, reading)


def result_of(**fields: object) -> Result:
    plan = plan_of(**fields)
    return Result(
        pictures=tuple(
            PaintedPicture(pixels_of(seed, plan.sizes.output_size), seed, 0.25) for seed in plan.seeds
        ),
        plan=plan,
        depth=source(),
        control_sha256="c" * 64,
        weights_sha256="0123456789abcdef" * 4,
        runs_on={"device": "cpu", "precision": "float32"},
        seconds={"read": 0.01, "denoise": 0.0},
        evaluations={"denoise": 4, "control": 0},
        warnings=("diorama does not know the word 'zebra'",),
    )


def source(path: str = "maps/room.png") -> DepthSource:
    return DepthSource(
        path=path,
        sha256="d" * 64,
        format="png",
        size=Extent(50, 40),
        container_bits=16,
        bits_used=12,
        levels=4096,
        colour_map="gray",
        near="white",
        kind="disparity",
        metres=None,
        raw_range=(0.0, 65535.0),
        used_range=(0.0, 65535.0),
        far_over_near=10.0,
        invalid_share=0.0,
        findings=(
            Finding(
                aspect="near", value="white", confidence=0.98, evidence="the floor's slope", flag="--near"
            ),
        ),
        reading=DepthReading(near="white", kind="disparity", range=(0.0, 65535.0)),
        notes=("a note",),
    )


def from_depth(result: Result, path: str) -> Result:
    return replace(result, depth=source(path))
