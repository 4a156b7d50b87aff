"""The published families of depth estimators that can be used, and how each is shown a picture."""

from __future__ import annotations

from dataclasses import dataclass

from PIL.Image import Resampling

Colour = tuple[float, float, float]
LONGEST_SIDE = 2072


@dataclass(frozen=True, slots=True)
class Family:
    """One architecture of transformers with the preprocessing of its published weights.

    A picture is brought near to `side` pixels, in whole patches of `multiple`, in its own ratio if
    `keeps_ratio`, else to a square; its colours in [0, 1] are shifted by `mean` and divided by `spread`.
    Weights may lack tensors whose name contains one of `unused`: the network has them and never looks at
    them.
    """

    architecture: str
    side: int
    multiple: int
    keeps_ratio: bool
    resampling: Resampling
    mean: Colour
    spread: Colour
    unused: tuple[str, ...]

    def network_size(self, width: int, height: int) -> tuple[int, int]:
        """The size the network sees; where the ratio is kept, by the scale nearest to 1 that fits a side.

        As the published processors do it, but for very long pictures, whose long side ends at LONGEST_SIDE.
        """
        if not self.keeps_ratio:
            return self.side, self.side
        across, down = self.side / width, self.side / height
        scale = across if abs(1 - across) < abs(1 - down) else down
        sides = [
            max(self.multiple, round(length * scale / self.multiple) * self.multiple)
            for length in (width, height)
        ]
        return min(sides[0], LONGEST_SIDE), min(sides[1], LONGEST_SIDE)


FAMILIES = {
    # Yang et al. 2406.09414; the mask token is for training alone.
    "depth_anything": Family(
        "DepthAnythingForDepthEstimation", 518, 14, True, Resampling.BICUBIC,
        (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), ("mask_token",),
    ),
    # Ranftl et al. 2103.13413. The first fusion has nothing to add to, so its first residual is never called.
    "dpt": Family(
        "DPTForDepthEstimation", 384, 16, False, Resampling.BILINEAR,
        (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), ("fusion_stage.layers.0.residual_layer1", "pooler"),
    ),
}  # fmt: skip
"""By the `model_type` of their configuration."""
