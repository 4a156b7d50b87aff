"""What is painted in a benchmark: a scene made here, the same bytes for both sides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthpaint.models.diorama.habits import DIORAMA


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchTask:
    """Depth file (.npy float32 in [0, 1], 1 = nearest), sentence and settings that every side uses."""

    depth: Path
    prompt: str = "a red sphere on a blue floor in front of a yellow wall, at noon"
    seed: int = 12345
    num_inference_steps: int = DIORAMA.num_inference_steps
    guidance_scale: float = DIORAMA.guidance_scale


def sphere_before_a_wall(side: int) -> NDArray[np.float32]:
    """A unit sphere on a floor 1.6 m below the eye, 8 m before a wall: disparity (side, side) in [0, 1]."""
    v, u = np.meshgrid(
        1 - 2 * (np.arange(side) + 0.5) / side, 2 * (np.arange(side) + 0.5) / side - 1, indexing="ij"
    )
    x, y = 0.5 * u, 0.5 * v - 0.15
    disparity = np.maximum(1 / 8.0, -y / 1.6)
    centre = np.array([0.0, -0.6, 5.0])
    a, b = x * x + y * y + 1, x * centre[0] + y * centre[1] + centre[2]
    root = b * b - a * (centre @ centre - 1.0)
    distance = (b - np.sqrt(np.maximum(root, 0))) / a
    disparity = np.where(root > 0, np.maximum(disparity, 1 / distance), disparity)
    low, high = disparity.min(), disparity.max()
    return ((disparity - low) / (high - low)).astype(np.float32)
