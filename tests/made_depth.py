"""Depth that is made up: a scene, colour maps, files; and where real files may be found."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

REAL = Path(__file__).parents[2] / "../shared/data/hb1"
Save = Callable[[str, bytes], Path]


def smooth(height: int, width: int) -> NDArray[np.float64]:
    """A floor that comes nearer towards the bottom with a ball on it; (H, W), 0 to 1."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = y / (height - 1), x / (width - 1)
    ball = np.clip(1 - ((x - 0.4) ** 2 + (y - 0.5) ** 2) / 0.04, 0, 1) * 0.4
    depth = 0.7 * y + ball + 0.1 * x
    return (depth - depth.min()) / (depth.max() - depth.min())


def turned_table(height: int = 120, width: int = 160) -> NDArray[np.float64]:
    """Metres of a table with a ball and two boxes, whose near edge is at the top of the picture; (H, W)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = y / (height - 1), x / (width - 1)
    depth = 1 / (1 / 0.8 + (1 / 2.1 - 1 / 0.8) * y + 0.1 * x)
    depth -= 2 * np.sqrt(np.clip(0.0036 - 0.3 * (x - 0.35) ** 2 - 0.2 * (y - 0.6) ** 2, 0, None))
    for top, left, tall in ((0.3, 0.6, 0.15), (0.65, 0.65, 0.3)):
        depth[(y > top) & (y < top + 0.2) & (x > left) & (x < left + 0.2)] -= tall
    return depth


def corridor(height: int = 120, width: int = 160) -> NDArray[np.float64]:
    """Metres of a corridor: floor, two walls, a ceiling and an end, all of them planes; (H, W)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = 2 * y / (height - 1) - 1, 2 * x / (width - 1) - 1.1
    return 1 / np.maximum.reduce([y / 1.5, -y / 1.2, x / 1.8, -x / 1.6, np.full_like(x, 1 / 8)])


def ball_alone(background: float, height: int = 120, width: int = 160) -> NDArray[np.float64]:
    """Metres of a ball on 1.4 % of the picture, and `background` around it; (H, W)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    inside = 1 - ((x - 0.55 * width) ** 2 + (y - 0.5 * height) ** 2) / (0.0668**2 * height * width)
    return np.where(inside > 0, 2 - 0.3 * np.sqrt(np.maximum(inside, 0)), background)


def bone(positions: NDArray[np.float64]) -> NDArray[np.uint8]:
    """matplotlib's bone from its published segments, through its 256 entries, as it writes pictures."""
    place = np.rint(positions * 255) / 255
    red = np.interp(place, (0, 0.746032, 1), (0, 0.652778, 1))
    green = np.interp(place, (0, 0.365079, 0.746032, 1), (0, 0.319444, 0.777778, 1))
    blue = np.interp(place, (0, 0.365079, 1), (0, 0.444444, 1))
    return (np.stack((red, green, blue), axis=-1) * 255).astype(np.uint8)


def jet(positions: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A rainbow with noise, as lossy copies of such maps have."""
    channels = [np.clip(1.5 - np.abs(4 * positions - middle), 0, 1) for middle in (3, 2, 1)]
    noise = np.random.default_rng(0).normal(0, 6, (*positions.shape, 3))
    return np.clip(np.stack(channels, axis=-1) * 255 + noise, 0, 255).astype(np.uint8)


def npy(array: NDArray[Any]) -> bytes:
    stream = BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()
