"""Disparity or distance: told by how flat surfaces bend in the map.

The disparity of a plane is a linear function of the pixel's place; its distance is the inverse of one, and so
bends away from the camera (Hartley & Zisserman, Multiple View Geometry, 8.1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WINDOW = 20  # pixels of the small copy
_STRIDE = 10


def bend(nearness: Floats, valid: NDArray[np.bool_]) -> float:
    """How much smooth surfaces bend, in [-1, 1]: about 0 in disparity, below it in 1 minus distance.

    `nearness` is a small copy (cues.small_copy), 1 = near. In every window a quadratic surface is fitted; the
    second derivative along the slope, over the slope, times the window is what counts; the median over
    windows that the surface fits.
    """
    height, width = nearness.shape
    if height < WINDOW or width < WINDOW:
        return 0.0
    y, x = (axis.ravel() / (WINDOW / 2) - 1 for axis in np.mgrid[0:WINDOW, 0:WINDOW].astype(np.float64))
    basis = np.stack((np.ones_like(x), x, y, x * x, x * y, y * y), axis=1)
    solve = np.linalg.pinv(basis)
    found: list[float] = []
    for top in range(0, height - WINDOW + 1, _STRIDE):
        for left in range(0, width - WINDOW + 1, _STRIDE):
            rows, columns = slice(top, top + WINDOW), slice(left, left + WINDOW)
            if not valid[rows, columns].all():
                continue
            patch = nearness[rows, columns].astype(np.float64).ravel()
            fitted = solve @ patch
            _, right, down, xx, xy, yy = fitted
            slope = float(np.hypot(right, down))
            rough = float(np.sqrt(np.mean((basis @ fitted - patch) ** 2)))
            if slope < 0.02 or rough > 0.1 * slope:
                continue  # flat, or no single surface
            second = 2 * (xx * right**2 + xy * right * down + yy * down**2) / slope**2
            found.append(second / slope)
    return float(np.tanh(np.median(found))) if len(found) >= 4 else 0.0
