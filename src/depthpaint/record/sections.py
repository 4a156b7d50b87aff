"""The sections of a record, each what one room had to say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from depthpaint.core.geometry import Box, Extent, Fit
from depthpaint.inputs.also import Also
from depthpaint.inputs.depth_reading import DepthReading
from depthpaint.inputs.model_choice import Lora
from depthpaint.inputs.request import MAX_SEED
from depthpaint.inputs.size_limit import MAX_PIXELS, MAX_SIDE
from depthpaint.inputs.text_fields import MAX_PROMPT, Name, Text
from depthpaint.inputs.window import window_in_order
from depthpaint.record.paths import LONGEST_PATH, names_no_folder

MOST_SECONDS = 1e9
LONGEST_REMARK = 8 * MAX_PROMPT
"""Characters of a note or a warning that are read; those that are written are shorter."""
MOST_REMARKS = 100
_ROUNDING = 1e-6


def _extent(value: Extent) -> Extent:
    if not all(1 <= side <= MAX_SIDE for side in value):
        raise ValueError(f"each side must be 1 to {MAX_SIDE:,} pixels")
    return value


Size = Annotated[Extent, AfterValidator(_extent)]
# Not inputs.window.Window, which takes "0:1" as well, and for that no array of strict JSON.
Window = Annotated[tuple[float, float], AfterValidator(window_in_order)]
Share = Annotated[float, Field(ge=-_ROUNDING, le=1 + _ROUNDING)]
Correlation = Annotated[float, Field(ge=-1 - _ROUNDING, le=1 + _ROUNDING)]
Positive = Annotated[float, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Label = Annotated[str, Field(max_length=1000)]
Remark = Annotated[str, Field(max_length=LONGEST_REMARK)]
Remarks = Annotated[tuple[Remark, ...], Field(max_length=MOST_REMARKS)]
Facts = Annotated[dict[Label, Label], Field(max_length=100)]
Path = Annotated[str, Field(max_length=6 * LONGEST_PATH)]
Step = Annotated[float, Field(ge=0, le=1e9)]


def _told_path(path: str) -> str:
    if not names_no_folder(path):
        raise ValueError("a depth map is named by a path below the working folder, or by its name alone")
    return path


def _told_reading(reading: DepthReading) -> DepthReading:
    if reading.from_photo is not None and not names_no_folder(reading.from_photo):
        raise ValueError("an estimator is named by its name, or by a folder below the working one")
    # How much memory may be used is for the person who reads the record to say, not for the record.
    return (
        reading.model_copy(update={"max_pixels": MAX_PIXELS}) if reading.max_pixels != MAX_PIXELS else reading
    )


def _told_name(name: str) -> str:
    if name and not names_no_folder(name):
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

    prompt: Text
    negative_prompt: Text
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)]
    sampler: Name
    schedule: Name
    num_inference_steps: Annotated[int, Field(ge=1, le=1000)]
    guidance_scale: Annotated[float, Field(ge=0, le=100)]
    guidance_window: Window
    control_strength: Annotated[float, Field(ge=0, le=2)]
    control_window: Window
    profile: Label
    reading: Annotated[DepthReading, AfterValidator(_told_reading)]
    fit: Fit
    finish: bool = True
    expand: bool = False
    model: Annotated[Path, AfterValidator(_told_name)]
    control: Annotated[Path, AfterValidator(_told_name)] | None = None
    vae: Annotated[Path, AfterValidator(_told_name)] | None = None
    also: Annotated[tuple[Also, ...], Field(max_length=10), AfterValidator(_told_also)] = ()
    lora: Annotated[tuple[Lora, ...], Field(max_length=100), AfterValidator(_told_loras)] = ()
    clip_skip: Annotated[int, Field(ge=0, le=10)] = 0
    safety_checker: bool = False
    size: Size


class PlanFacts(Section):
    """What the settings came to: the sizes by their names (plan.sizes), the noise levels, the sentence heard.

    `sigmas` are noise over signal; the first is "inf" for a model that starts from noise alone.
    """

    depth_size: Size
    content_size: Size
    content_box: Box
    canvas_size: Size
    latent_size: Size
    output_size: Size
    timesteps: Annotated[tuple[Step, ...], Field(max_length=10_000)]
    sigmas: Annotated[tuple[Step | Literal["inf"], ...], Field(max_length=10_000)]
    prediction: Label
    heard: Text | None = None


class FindingFacts(Section):
    """What was concluded about the depth file, how surely and why (depth.Finding)."""

    aspect: Label
    value: Label
    confidence: Share
    evidence: Remark
    flag: Label


class DepthFacts(Section):
    """How the depth map was understood (depth.DepthSource).

    `file` is its path as seen from the working folder, "/" between the parts, or its name alone where it lay
    elsewhere: pictures are given away, and a path would name a person's folders. Names that are not UTF-8 are
    written as record.paths writes them.
    """

    file: Annotated[Path, AfterValidator(_told_path)]
    format: Label
    size: Size
    container_bits: Count
    bits_used: Count
    levels: Count
    colour_map: Label
    near: Label
    kind: Label
    metres: float | None
    raw_range: tuple[float, float]
    used_range: tuple[float, float]
    findings: Annotated[tuple[FindingFacts, ...], Field(max_length=1000)]
    invalid_share: Share
    notes: Remarks
    estimator: Path = ""
    estimator_revision: Label = ""
    estimator_sha256: Label = ""


class Digests(Section):
    """sha256, hexadecimal: of the depth file, the depth that the network saw, the weights, and the pixels.

    `inversions` are those of learned words' files, by the word.
    """

    depth: Label
    control: Label
    weights: Label
    picture: Label
    inversions: Annotated[dict[Label, Label], Field(max_length=MAX_PROMPT)] = {}


class AgreementFacts(Section):
    """How the picture's depth, as `estimator` sees it, agrees with the asked one (depth.compare.Likeness).

    `tries` says in which seed it was reached, 1 for the first.
    """

    estimator: Path
    rank_correlation: Correlation
    detail_correlation: Correlation
    affine_rmse: Positive
    abs_rel: Positive
    delta_1_25: Share
    rmse_8bit: Positive
    edge_f_score: Share
    tries: Annotated[int, Field(ge=1, le=1_000_000)] = 1
