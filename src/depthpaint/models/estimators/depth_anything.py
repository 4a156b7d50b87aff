"""Depth Anything V2 (Yang et al. 2406.09414): transformers' module, with preprocessing of our own."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from depthpaint.core.errors import ErrorCode, ModelError

SHORT_SIDE, MULTIPLE = 518, 14
"""The side that the network was trained at, and its patches' side, in pixels."""
MEAN = np.array((0.485, 0.456, 0.406), np.float32)
SPREAD = np.array((0.229, 0.224, 0.225), np.float32)
"""Of ImageNet's colours in [0, 1], as the processor of the published weights has them."""
LONGEST_SIDE = 2072


class DepthAnything:
    """Fulfils `Estimator`. On the GPU where there is one; in float32, so that machines agree."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        weights = sorted(folder.glob("*.safetensors"))
        if not weights:
            raise _unusable(folder, "it holds no .safetensors file (pickled weights are never read)")
        digest = hashlib.sha256()
        for path in weights:
            digest.update(path.read_bytes())
        self.weights_sha256 = digest.hexdigest()
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._network: Any = _loaded(folder).to(self._device).eval()

    @torch.inference_mode()
    def estimate(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Disparity of a picture (H, W, 3): float32 (H, W), greater is nearer."""
        height, width = picture.shape[:2]
        size = network_size(width, height)
        resized = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
        colours = (np.asarray(resized, np.float32) / 255 - MEAN) / SPREAD
        pixels = torch.from_numpy(np.ascontiguousarray(colours.transpose(2, 0, 1))[None]).to(self._device)
        found: torch.Tensor = self._network(pixel_values=pixels).predicted_depth
        # Linear: a cubic would ring beside every edge.
        full = functional.interpolate(found[:, None], (height, width), mode="bilinear", align_corners=False)
        values = full[0, 0].float().cpu().numpy()
        if not np.isfinite(values).all():
            raise _unusable(Path(self.name), "it answers with what is no depth")
        return values


def network_size(width: int, height: int) -> tuple[int, int]:
    """The size the network sees: the scale nearest to 1 that brings a side to SHORT_SIDE, in whole patches.

    As the published processor does it, but for very long pictures, whose long side ends at LONGEST_SIDE.
    """
    across, down = SHORT_SIDE / width, SHORT_SIDE / height
    scale = across if abs(1 - across) < abs(1 - down) else down
    sides = [max(MULTIPLE, round(side * scale / MULTIPLE) * MULTIPLE) for side in (width, height)]
    return min(sides[0], LONGEST_SIDE), min(sides[1], LONGEST_SIDE)


def _loaded(folder: Path) -> torch.nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import DepthAnythingForDepthEstimation
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            return DepthAnythingForDepthEstimation.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True
            )
        # Whatever a broken folder makes the library raise is a broken folder.
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise _unusable(folder, reason) from error


def _unusable(folder: Path, why: str) -> ModelError:
    return ModelError(
        f"{folder} holds no Depth Anything that can be used: {why}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="name a folder with config.json and model.safetensors, or depthpaint models pull it again",
        value=str(folder),
    )
