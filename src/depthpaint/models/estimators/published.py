"""A published depth estimator: transformers' module with our own preprocessing."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from depthpaint.formats.samples import Quantity
from depthpaint.models.estimators.estimator import EstimatorFolder, unusable
from depthpaint.models.weights import library_errors, require_backed


class Published:
    """Implements `Estimator`. Runs on the GPU if there is one, always in float32."""

    caution = ""

    def __init__(self, name: str, folder: EstimatorFolder, revision: str = "") -> None:
        self.name = name
        self.revision = revision
        self.weights_sha256 = folder.weights_sha256
        self.quantity: Quantity = folder.quantity
        self._folder = folder
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._network: Any = _loaded(folder).to(self._device).eval()

    def estimate(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Depth of a picture (H, W, 3): float32 (H, W), of `quantity`."""
        with library_errors(
            self._folder.path, unusable, part="its network",
            short=f"on {self._device} to estimate depth in the photo",
            remedy="make the photo smaller, or choose a smaller --estimator",
        ):  # fmt: skip
            values = self._estimated(picture)
        if not np.isfinite(values).all():
            raise unusable(self._folder.path, "its output is not a depth map")
        return values

    @torch.inference_mode()
    def _estimated(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        height, width = picture.shape[:2]
        family = self._folder.family
        resized = Image.fromarray(picture).resize(family.network_size(width, height), family.resampling)
        mean, spread = np.array(family.mean, np.float32), np.array(family.spread, np.float32)
        colours = (np.asarray(resized, np.float32) / 255 - mean) / spread
        pixels = torch.from_numpy(np.ascontiguousarray(colours.transpose(2, 0, 1))[None]).to(self._device)
        output: torch.Tensor = self._network(pixel_values=pixels).predicted_depth  # (1, h, w)
        # Linear: a cubic filter would ring at every edge.
        full = functional.interpolate(output[:, None], (height, width), mode="bilinear", align_corners=False)
        return full[0, 0].float().cpu().numpy()


def _loaded(folder: EstimatorFolder) -> torch.nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        with library_errors(
            folder.path, unusable, short="to load the estimator", remedy="choose a smaller --estimator"
        ):
            architecture: Any = getattr(transformers, folder.family.architecture)
            with torch.device("meta"):
                configuration = architecture.config_class.from_pretrained(
                    str(folder.path), local_files_only=True
                )
                empty = architecture(configuration)
            require_backed(folder.path, folder.files, empty, unusable)
            answer: Any = architecture.from_pretrained(
                str(folder.path), local_files_only=True, use_safetensors=True, dtype=torch.float32,
                output_loading_info=True,
            )  # fmt: skip
    # transformers fills missing tensors with random numbers, which would change the depth each time.
    network, info = answer
    missing = [
        name for name in sorted(info["missing_keys"])
        if not any(unused in name for unused in folder.family.unused)
    ]  # fmt: skip
    if missing:
        raise unusable(folder.path, f"its weights lack {len(missing)} tensors, such as {missing[0]}")
    return network
