"""The loaded parts of a Stable Diffusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depthpaint.models.stable_diffusion.control import DepthControl
from depthpaint.models.stable_diffusion.decoder import Decoder
from depthpaint.models.stable_diffusion.safety import SafetyChecker
from depthpaint.models.stable_diffusion.text import TextEncoder


@dataclass(frozen=True, slots=True)
class Modules:
    """`controls` are the control of depth, as "depth", and further ones by the kind of what they see.

    `sizes_told` says whether the UNet is told picture sizes, as SDXL's is; `embeddings` is the folder of the
    model's own learned words, which need not be there; `safety` looks at pictures where it was asked for;
    `commits` are those of the repositories that parts are from.
    """

    unet: Any
    decoder: Decoder
    text: Sequence[TextEncoder]
    controls: Mapping[str, DepthControl]
    weights_sha256: str
    sizes_told: bool = False
    empty_is_zero: bool = False
    embeddings: Path | None = None
    safety: SafetyChecker | None = None
    commits: Mapping[str, str] = field(default_factory=dict[str, str])
