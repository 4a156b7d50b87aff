"""What can be measured of a look without a model: repetition, sharpness, contrast, colourfulness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]

AREA = 96 * 96
"""Pixels that a picture is brought to before repetition is looked for: the same for every ratio."""
PATCH, STRIDE = 16, 4
FAR_APART = 2 * PATCH
"""Patches nearer than this share what they show."""
PLAIN = 0.02
"""Patches whose contrast is below this, of a range of 1, show nothing that could be repeated."""
SHARPNESS_AREA = 256 * 256


@dataclass(frozen=True, slots=True)
class Look:
    """Statistics of one picture, none of which knows what is good.

    `repetition` in [0, 1]: how well the patches of the picture are found again elsewhere in it, in the mean
    of their best normalized cross-correlations. `sharpness`: mean absolute Laplacian of the luma at an area
    of 256 x 256, in shares of the range. `contrast`: standard deviation of the luma. `colourfulness` as
    Hasler and Suesstrunk (2003) define it, over 255.
    """

    repetition: float
    sharpness: float
    contrast: float
    colourfulness: float


def look_of(pixels: NDArray[np.uint8]) -> Look:
    """Measure a picture (H, W, 3)."""
    small = _resized(pixels, AREA)
    luma = _luma(_resized(pixels, SHARPNESS_AREA))
    red, green, blue = (small[..., channel] for channel in range(3))
    warm, cold = red - green, (red + green) / 2 - blue
    spread = float(np.hypot(warm.std(), cold.std()))
    return Look(
        repetition=repetition(_luma(small)),
        sharpness=float(np.abs(_laplacian(luma)).mean()),
        contrast=float(luma.std()),
        colourfulness=spread + 0.3 * float(np.hypot(warm.mean(), cold.mean())),
    )


def repetition_of(gray: NDArray[np.uint8]) -> float:
    """The repetition of a map (H, W), as a picture of it would have."""
    return repetition(_luma(_resized(np.repeat(gray[..., None], 3, axis=2), AREA)))


def repetition(shown: Floats) -> float:
    """How well patches of (H, W) in [0, 1] are found again far away in it; 0 where nothing is shown.

    Left and right are the same here: a second house is often the first one turned.
    """
    patches, places = _patches(shown)
    if len(patches) < 2:
        return 0.0
    turned = patches.reshape(-1, PATCH, PATCH)[:, :, ::-1].reshape(len(patches), -1)
    alike = np.maximum(patches @ patches.T, patches @ turned.T)
    apart = np.abs(places[:, None] - places[None]).max(2)
    alike[apart < FAR_APART] = -1
    best = alike.max(1)
    return float(np.clip(best[best > -1], 0, 1).mean()) if (best > -1).any() else 0.0


def _patches(shown: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Patches (N, PATCH^2) of mean 0 and length 1 that show something, and where they lie (N, 2)."""
    windows = np.lib.stride_tricks.sliding_window_view(shown, (PATCH, PATCH))[::STRIDE, ::STRIDE]
    flat = windows.reshape(-1, PATCH * PATCH)
    flat = flat - flat.mean(1, keepdims=True)
    rows, columns = np.indices(windows.shape[:2])
    places = np.stack([rows.ravel(), columns.ravel()], 1) * STRIDE
    lengths = np.linalg.norm(flat, axis=1)
    kept = lengths > PLAIN * PATCH
    return flat[kept] / lengths[kept, None], places[kept]


def _resized(pixels: NDArray[np.uint8], area: int) -> Floats:
    height, width = pixels.shape[:2]
    scale = (area / (height * width)) ** 0.5
    size = (max(PATCH, round(width * scale)), max(PATCH, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS), np.float64) / 255


def _luma(colours: Floats) -> Floats:
    return colours @ np.array((0.299, 0.587, 0.114))


def _laplacian(shown: Floats) -> Floats:
    middle = shown[1:-1, 1:-1]
    return shown[:-2, 1:-1] + shown[2:, 1:-1] + shown[1:-1, :-2] + shown[1:-1, 2:] - 4 * middle
