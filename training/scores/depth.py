"""Whether a picture shows the depth that was asked for, as diorama-depth sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from depthpaint.depth.compare import compare
from depthpaint.models.estimators.diorama_depth import network_size, resized
from depthpaint.models.estimators.registry import DIORAMA_DEPTH, ESTIMATORS, ShippedEntry, load_estimator
from training.scores.held_out import HeldOut, Picture

Estimate = Callable[[Picture], NDArray[np.float32]]
"""Disparity (H, W) on any scale of a picture (H, W, 3)."""


@dataclass(frozen=True, slots=True)
class Seer:
    """An estimator of depth and what the table calls it."""

    name: str
    estimate: Estimate

    def rank(self, asked: HeldOut, picture: Picture) -> list[float]:
        """Spearman's correlation, in [-1, 1], of the asked disparity and what is seen in `picture`."""
        return [compare(asked.disparity, self.estimate(picture)).rank_correlation]


def find_seer(folder: Path) -> Seer | None:
    """The depth network that a run in `folder` trained, else the shipped one, else None."""
    if (folder / "depth" / "progress.json").exists():
        return Seer(f"the run's own {DIORAMA_DEPTH}", _of_checkpoint(folder / "depth"))
    entry = ESTIMATORS[DIORAMA_DEPTH]
    if isinstance(entry, ShippedEntry) and (entry.folder / "model.json").exists():
        return Seer(f"the shipped {DIORAMA_DEPTH}", load_estimator(DIORAMA_DEPTH).estimate)
    return None


def _of_checkpoint(folder: Path) -> Estimate:
    from training.depth_recipe import trained_depth

    network, _ = trained_depth(folder)

    @torch.no_grad()
    def estimate(picture: Picture) -> NDArray[np.float32]:
        height, width = picture.shape[:2]
        seen = Image.fromarray(picture).resize(network_size(width, height), Image.Resampling.BICUBIC)
        pixels = torch.from_numpy(np.asarray(seen, np.float32)).permute(2, 0, 1)[None] / 255
        root = network(pixels)[0, 0].clamp_min(0).numpy()
        return np.square(resized(root, width, height))

    return estimate
