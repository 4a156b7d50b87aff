"""The sections of a record, each what one room had to say."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from depthpaint.core.geometry import Box, Extent, Fit
from depthpaint.inputs.also import Also
from depthpaint.inputs.depth_reading import DepthReading
from depthpaint.inputs.model_choice import Lora


def _names_no_folder(path: str) -> bool:
    """Whether a path says nothing of the machine: it leads below the working folder, or is a name alone."""
    windows = PureWindowsPath(path)
    return bool(path) and not (windows.anchor or PurePosixPath(path).is_absolute() or ".." in windows.parts)


def _told_path(path: str) -> str:
    if not _names_no_folder(path):
        raise ValueError("a depth map is named by a path below the working folder, or by its name alone")
    return path


def _told_reading(reading: DepthReading) -> DepthReading:
    if reading.from_photo is not None and not _names_no_folder(reading.from_photo):
        raise ValueError("an estimator is named by its name, or by a folder below the working one")
    return reading


def _told_name(name: str) -> str:
    if name and not _names_no_folder(name):
        raise ValueError("a model is named by its name, its hub id, or a path below the working folder")
    return name


def _told_also(several: tuple[Also, ...]) -> tuple[Also, ...]:
    for also in several:
        _told_name(also.control or "")
    return several


def _told_loras(loras: tuple[Lora, ...]) -> tuple[Lora, ...]:
    for lora in loras:
        _told_name(lora.file)
    return loras


class Section(BaseModel):
    """Frozen and strict: a record from elsewhere may hold nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Settings(Section):
    """All that a request needs to paint this one picture again, with nothing left to a model's habits.

    `size` is the output in pixels; the windows are shares of the steps in [0, 1]. In `reading` an estimator's
    folder is told as the depth file's path is.
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
    reading: Annotated[DepthReading, AfterValidator(_told_reading)]
    fit: Fit
    finish: bool = True
    expand: bool = False
    model: Annotated[str, AfterValidator(_told_name)]
    control: Annotated[str, AfterValidator(_told_name)] | None = None
    vae: Annotated[str, AfterValidator(_told_name)] | None = None
    also: Annotated[tuple[Also, ...], AfterValidator(_told_also)] = ()
    lora: Annotated[tuple[Lora, ...], AfterValidator(_told_loras)] = ()
    clip_skip: int = 0
    safety_checker: bool = False
    size: Extent


class PlanFacts(Section):
    """What the settings came to: the sizes by their names (plan.sizes), the noise levels, the sentence heard.

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
    heard: str | None = None


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
    invalid_share: float
    notes: tuple[str, ...]
    estimator: str = ""
    estimator_revision: str = ""
    estimator_sha256: str = ""


class Digests(Section):
    """sha256, hexadecimal: of the depth file, the depth that the network saw, the weights, and the pixels.

    `inversions` are those of learned words' files, by the word.
    """

    depth: str
    control: str
    weights: str
    picture: str
    inversions: dict[str, str] = {}


class AgreementFacts(Section):
    """How the picture's depth, as `estimator` sees it, agrees with the asked one (depth.compare.Likeness).

    `tries` says in which seed it was reached, 1 for the first.
    """

    estimator: str
    rank_correlation: float
    detail_correlation: float
    affine_rmse: float
    abs_rel: float
    delta_1_25: float
    rmse_8bit: float
    edge_f_score: float
    tries: int = 1
