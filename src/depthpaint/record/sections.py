"""The sections of a record, each what one room had to say."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from depthpaint.core.geometry import Box, Extent, Fit
from depthpaint.inputs.depth_reading import DepthReading


def _told_path(path: str) -> str:
    windows = PureWindowsPath(path)
    if windows.anchor or PurePosixPath(path).is_absolute() or ".." in windows.parts or not path:
        raise ValueError("a depth map is named by a path below the working folder, or by its name alone")
    return path


class Section(BaseModel):
    """Frozen and strict: a record from elsewhere may hold nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Settings(Section):
    """All that a request needs to paint this one picture again, with nothing left to a model's habits.

    `size` is the output in pixels; the windows are shares of the steps in [0, 1].
    """

    prompt: str
    negative_prompt: str
    seed: int
    sampler: str
    schedule: str
    num_inference_steps: int
    guidance_scale: float
    guidance_window: tuple[float, float]
    control_strength: float
    control_window: tuple[float, float]
    profile: str
    reading: DepthReading
    fit: Fit
    model: str
    size: Extent


class PlanFacts(Section):
    """What the settings came to: the sizes by their names (plan.sizes), and the noise levels.

    `sigmas` are noise over signal; the first is "inf" for a model that starts from noise alone.
    """

    depth_size: Extent
    content_size: Extent
    content_box: Box
    canvas_size: Extent
    latent_size: Extent
    output_size: Extent
    timesteps: tuple[float, ...]
    sigmas: tuple[float | Literal["inf"], ...]
    prediction: str


class FindingFacts(Section):
    """What was concluded about the depth file, how surely and why (depth.Finding)."""

    aspect: str
    value: str
    confidence: float
    evidence: str
    flag: str


class DepthFacts(Section):
    """How the depth map was understood (depth.DepthSource).

    `file` is its path as seen from the working folder, "/" between the parts, or its name alone where it lay
    elsewhere: pictures are given away, and a path would name a person's folders.
    """

    file: Annotated[str, AfterValidator(_told_path)]
    format: str
    size: Extent
    container_bits: int
    bits_used: int
    levels: int
    colour_map: str
    near: str
    kind: str
    metres: float | None
    raw_range: tuple[float, float]
    used_range: tuple[float, float]
    findings: tuple[FindingFacts, ...]
    estimator: str
    estimator_sha256: str
    invalid_share: float
    notes: tuple[str, ...]


class Digests(Section):
    """sha256, hexadecimal: of the depth file, the depth that the network saw, the weights, and the pixels."""

    depth: str
    control: str
    weights: str
    picture: str
