"""The loaded parts of a Stable Diffusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from depthpaint.models.stable_diffusion.control import DepthControl
from depthpaint.models.stable_diffusion.decoder import Decoder
from depthpaint.models.stable_diffusion.text import TextEncoder


@dataclass(frozen=True, slots=True)
class Modules:
    """`controls` are the control of depth, as "depth", and further ones by the kind of what they see.

    `sizes_told` says whether the UNet is told picture sizes, as SDXL's is.
    """

    unet: Any
    decoder: Decoder
    text: Sequence[TextEncoder]
    controls: Mapping[str, DepthControl]
    weights_sha256: str
    sizes_told: bool = False
    empty_is_zero: bool = False
