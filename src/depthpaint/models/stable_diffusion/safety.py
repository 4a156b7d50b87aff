"""The safety checker that a model may bring: a network that refuses pictures, which is no failure."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch

from depthpaint.core.errors import ErrorCode, PictureRefused
from depthpaint.models.painter import Floats


class SafetyChecker:
    """Looks at finished pictures. It changes none, so its weights are not among those that paint."""

    def __init__(self, network: Any, image_processor: Any) -> None:
        self._network, self._image_processor = network, image_processor
        # It would tell of a black picture in the place of the refused one; there is none.
        logging.getLogger(type(network).__module__).setLevel(logging.ERROR)

    @torch.inference_mode()
    def require_safe(self, picture: Floats) -> None:
        """Raise PictureRefused for a picture (H, W, 3) in about [0, 1] that the network takes for unsafe.

        One that is not finite shows nothing yet, and passes.
        """
        if not np.isfinite(picture).all():
            return
        pixels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        seen = self._image_processor([pixels], return_tensors="pt").pixel_values
        network = self._network
        # What it would paint black is handed in as nothing.
        _, unsafe = network(clip_input=seen.to(network.device, network.dtype), images=[np.zeros((1, 1, 3))])
        if unsafe[0]:
            raise PictureRefused(
                "the model's safety checker refuses the picture, and it is not saved",
                code=ErrorCode.PICTURE_REFUSED,
                remedy="take another --seed, or another sentence",
            )
