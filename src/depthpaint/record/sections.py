"""The sections of a record besides its settings: plan, depth, digests, agreement, and the environment."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

import depthpaint
from depthpaint.core.geometry import Box, Extent
from depthpaint.core.installation import version_of
from depthpaint.core.setting import MAX_PROMPT, Text
from depthpaint.formats.samples import MAX_SIDE
from depthpaint.record.file_format import LEAST_QUALITY, MOST_QUALITY
from depthpaint.record.paths import LONGEST_PATH, is_depth_path

VERSIONS = ("depthpaint", "python", "numpy", "onnxruntime", "pillow")
"""The keys of package versions; the other keys of `environment()` describe the machine."""

_CPU_LIST = Path("/proc/cpuinfo")
_MODEL_KEYS = ("model name", "hardware", "cpu model")


def environment() -> dict[str, str]:
    """Versions of the packages that affect the pixels, and the machine: system, machine, cpu_count, cpu.

    Packages are looked up, not imported, so that this does not load ONNX Runtime.
    """
    entries = {
        "depthpaint": depthpaint.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu_count": str(os.cpu_count() or "unknown"),
        "cpu": _cpu_model(_CPU_LIST),
    }
    entries |= {name: version_of(name) or "not installed" for name in VERSIONS if name not in entries}
    return entries


def _cpu_model(listing: Path) -> str:
    """The processor's model name; processors may round differently, which can explain a different picture."""
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    for line in lines:
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() in _MODEL_KEYS and value.strip():
            return value.strip()
    return platform.processor() or "unknown"


MOST_SECONDS = 1e9
LONGEST_REMARK = 8 * MAX_PROMPT
"""The longest note or warning that is read, in characters; written ones are shorter."""
MOST_REMARKS = 100
_ROUNDING = 1e-6


def _extent(value: Extent) -> Extent:
    if not all(1 <= side <= MAX_SIDE for side in value):
        raise ValueError(f"each side must be 1 to {MAX_SIDE:,} pixels")
    return value


Size = Annotated[Extent, AfterValidator(_extent)]
Share = Annotated[float, Field(ge=-_ROUNDING, le=1 + _ROUNDING)]
Correlation = Annotated[float, Field(ge=-1 - _ROUNDING, le=1 + _ROUNDING)]
Positive = Annotated[float, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Label = Annotated[str, Field(max_length=1000)]
Remark = Annotated[str, Field(max_length=LONGEST_REMARK)]
Remarks = Annotated[tuple[Remark, ...], Field(max_length=MOST_REMARKS)]
Facts = Annotated[dict[Label, Label], Field(max_length=100)]
RecordedPath = Annotated[str, Field(max_length=6 * LONGEST_PATH)]
Step = Annotated[float, Field(ge=0, le=1e9)]


def _recorded_path(path: str) -> str:
    if not is_depth_path(path):
        raise ValueError("the depth map must be a path relative to the picture, or a name alone")
    return path


class Section(BaseModel):
    """Frozen and strict: unknown fields are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class PlanFacts(Section):
    """What the settings resolved to: the sizes by name (plan.Sizes) and the noise levels.

    `sigmas` are noise over signal; the first is "inf" for a model that starts from pure noise.
    `expanded_prompt` is the prompt that the model was given, if it differs from the user's. `finishing` is
    the version of the method (depth.finish) if edges were drawn along the depth map; older records have none.
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
    expanded_prompt: Text | None = None
    finishing: Count | None = None


class FindingFacts(Section):
    """What was concluded about the depth file, with which confidence and why (depth.Finding)."""

    aspect: Label
    value: Label
    confidence: Share
    evidence: Remark
    flag: Label


class DepthFacts(Section):
    """How the depth map was interpreted (depth.DepthSource).

    `file` is its path relative to the picture's folder, with "/" between the parts; its name alone if that
    path would reveal a user's folders (record.paths.depth_for_record), because pictures are shared. Of a
    picture that was not saved, and of earlier versions, it is relative to the working folder. Names that are
    not UTF-8 are encoded as in record.paths.
    """

    file: Annotated[RecordedPath, AfterValidator(_recorded_path)]
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
    estimator: RecordedPath = ""
    estimator_revision: Label = ""
    estimator_sha256: Label = ""


class Digests(Section):
    """sha256, hexadecimal: of the depth file, the depth given to the network, the weights, and the pixels.

    `picture` is of the pixels as they were painted, also if the file was then compressed with a loss.
    `inversions` maps the names of textual inversions to the digests of their files; `init` is that of the
    file of the picture to start from, empty if there was none.
    """

    depth: Label
    control: Label
    weights: Label
    picture: Label
    inversions: Annotated[dict[Label, Label], Field(max_length=MAX_PROMPT)] = {}
    init: Label = ""


class Compression(Section):
    """How the pixels of a JPEG or WebP were compressed; `quality` is None if nothing was lost.

    `sha256` is the digest of the file without any metadata (JpegSegments.plain, WebpChunks.plain).
    """

    format: Literal["jpeg", "webp"]
    quality: Annotated[int, Field(ge=LEAST_QUALITY, le=MOST_QUALITY)] | None
    sha256: Label


class AgreementFacts(Section):
    """How well the picture's depth, by `estimator`, agrees with the requested one (depth.compare.Likeness).

    `tries` is the number of the seed with this result, 1 for the first. If several seeds were tried:
    `first_seed`, at most `most_tries`, until one reached `least` (None: the best of all). Records of earlier
    versions have no `depth_agreement`, and their `edge_f_score` was measured otherwise.
    """

    estimator: RecordedPath
    depth_agreement: Correlation | None = None
    mirrored_agreement: Correlation | None = None
    rank_correlation: Correlation
    detail_correlation: Correlation
    affine_rmse: Positive
    abs_rel: Positive
    delta_1_25: Share
    rmse_8bit: Positive
    edge_f_score: Share
    tries: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    most_tries: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    least: Correlation | None = None
    first_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
