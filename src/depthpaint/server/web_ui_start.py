"""img2img of the web UI: the picture to start from, and how much of it is painted anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError
from depthpaint.server.inputs import bytes_of, stored_start
from depthpaint.server.web_ui_fields import TextToImage

DENOISE = 0.75
"""The web UI's own denoising strength."""
FEWEST_STEPS = 4
"""With fewer, most strengths of a model that paints in one or two steps would be the same."""
_LEAST = 0.001
_FITS = ("stretch", "crop", "crop", "stretch")
_FIELDS = ("init_images", "mask")
"""What the answer does not send back, unless it is asked for."""


class ImageToImage(TextToImage):
    """What a client may send; null is as absent. Fields about masks without a mask have no effect."""

    init_images: list[str] | None = None
    denoising_strength: float | None = Field(DENOISE, ge=0, le=1)
    resize_mode: int | None = Field(0, ge=0, le=3)
    mask: str | None = None
    include_init_images: bool | None = False

    def shown(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The request, as the answer repeats it."""
        return sent if self.include_init_images else {**sent, **dict.fromkeys(_FIELDS)}


@dataclass(frozen=True, slots=True)
class Start:
    """The file of the picture to start from, and its settings; `fit` is for requests without a depth map."""

    picture: bytes
    denoise: float
    fit: str

    def settings(self, out: Path) -> dict[str, object]:
        """The settings of a request; the picture is stored in `out`. Raises RecordError, OutputError."""
        return {"init": stored_start(self.picture, "init_images", out), "denoise": self.denoise}


def start_of(body: ImageToImage) -> tuple[Start, list[str]]:
    """The picture to start from, and what was changed of the request. Raises DepthpaintError."""
    if not body.init_images:
        raise DepthpaintError(
            "Init image not found", code=ErrorCode.NOT_FOUND, remedy="send one picture in init_images"
        )
    if len(body.init_images) > 1:
        raise ParameterError(
            f"init_images has {len(body.init_images)} pictures", code=ErrorCode.INVALID_PARAMETER,
            remedy="send one, and a request for each of the others", value=("init_images",),
        )  # fmt: skip
    if body.mask:
        raise ParameterError(
            "mask: painting only in a mask is not supported", code=ErrorCode.INVALID_PARAMETER,
            remedy="leave mask out: then the whole picture is painted anew", value=("mask",),
        )  # fmt: skip
    denoise = DENOISE if body.denoising_strength is None else body.denoising_strength
    changed = [] if denoise else ["one step instead of none, at denoising_strength 0"]
    mode = body.resize_mode or 0
    if mode == 2:
        changed.append("resize_mode 1, crop, instead of 2, fill")
    picture = bytes_of(body.init_images[0], "init_images")
    return Start(picture, max(_LEAST, denoise), _FITS[mode]), changed
