"""What an engine hands back: pictures, the plan that the sampler really consumed, times and warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.depth_map import DepthSource
from depthpaint.plan import RunPlan
from depthpaint.record.sections import AgreementFacts


@dataclass(frozen=True, slots=True)
class PaintedPicture:
    """One picture: uint8 (H, W, 3) of the exact output size, its seed, and the seconds it took.

    `agreement` is how its depth was found to agree, where somebody looked.
    """

    pixels: NDArray[np.uint8]
    seed: int
    seconds: float
    agreement: AgreementFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationResult:
    """All pictures of one request.

    `control_sha256` is the digest of the float32 depth (H, W) that the network saw, `weights_sha256` of the
    loaded weights, `runs_on` where they computed; `seconds` maps a stage (read, load, text, control, denoise,
    decode) to what it took; `evaluations` counts the calls of the denoising and of the control network.
    """

    pictures: tuple[PaintedPicture, ...]
    plan: RunPlan
    depth: DepthSource
    control_sha256: str
    weights_sha256: str
    runs_on: Mapping[str, str]
    seconds: Mapping[str, float]
    evaluations: Mapping[str, int]
    warnings: tuple[str, ...]


def joined(results: Iterable[GenerationResult]) -> GenerationResult:
    """The results of a request's pictures as one; seconds and evaluations are added up."""
    several = list(results)
    seconds, evaluations = Counter[str](), Counter[str]()
    for result in several:
        seconds.update(dict(result.seconds))
        evaluations.update(dict(result.evaluations))
    return replace(
        several[0],
        pictures=tuple(picture for result in several for picture in result.pictures),
        plan=replace(
            several[0].plan,
            seeds=tuple(seed for result in several for seed in result.plan.seeds),
            prompts=tuple(prompt for result in several for prompt in result.plan.prompts),
        ),
        seconds=dict(seconds),
        evaluations=dict(evaluations),
        warnings=tuple(dict.fromkeys(warning for result in several for warning in result.warnings)),
    )  # fmt: skip
