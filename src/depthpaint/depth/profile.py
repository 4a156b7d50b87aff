"""What a depth network was trained on, and the same depth in those terms."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

ProfileName = Literal["midas", "depth-anything", "zoe"]
PROFILES: tuple[ProfileName, ...] = get_args(ProfileName)
"""midas and depth-anything: disparity from least to greatest (the depth ControlNets of Stable Diffusion 1.5
and 2, and most of SDXL's). zoe: distance, nearest is 1, from its 2nd to its 85th percentile (ControlNet
depth-zoe)."""

_ZOE_PERCENTILES = (0.02, 0.85)


def in_terms_of(
    values: NDArray[np.float32], profile: ProfileName, far_over_near: float
) -> NDArray[np.float32]:
    """Depth float32 (H, W), 1 = nearest, as a network of this profile knows it; in [0, 1].

    `values` is disparity in [0, 1]; `far_over_near` how many times as far its 0 is as its 1 (> 1).
    """
    if profile != "zoe":
        return values
    # 1/z runs linearly from 1/far to 1/near; in units of the near plane.
    distance = 1 / (1 / far_over_near + values.astype(np.float64) * (1 - 1 / far_over_near))
    near, far = np.quantile(distance, _ZOE_PERCENTILES)
    if near == far:
        return values
    return np.clip((far - distance) / (far - near), 0, 1).astype(np.float32)
