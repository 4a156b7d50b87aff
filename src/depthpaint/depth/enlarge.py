"""Enlarge a painted picture along the edges of a depth map that is finer than the picture.

Joint bilateral upsampling (Kopf et al. 2007, "Joint bilateral upsampling", equation 4), only where depth has
an edge: elsewhere it would soften textures that Lanczos keeps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

EDGE = 0.03
"""Step of nearness, in [0, 1], between neighbours of the small picture, from which there is an edge."""
CERTAIN_EDGE = 0.08
REACH = 0.7
"""Standard deviation in pixels of the small picture over which colours are gathered."""
LIKE = 0.12
"""Standard deviation of the nearness that belongs to the same surface, as a share of the step."""
PIXELS_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class DepthEdges:
    """One depth twice, in [0, 1]: `seen` (h, w) as it was painted from, `guide` (H, W) at the asked size."""

    seen: Floats
    guide: Floats


def enlarge_along_depth(picture: Pixels, edges: DepthEdges) -> Pixels:
    """Bring `picture` (h, w, 3) to the guide's size, (H, W, 3), so that colours change where depth does."""
    seen, guide = edges.seen, edges.guide
    height, width = guide.shape
    large = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))
    step = _steps(seen)
    where = Image.fromarray(step).resize((width, height), Image.Resampling.BILINEAR)
    share = np.clip((np.asarray(where) - EDGE) / (CERTAIN_EDGE - EDGE), 0, 1)
    rows, columns = np.nonzero(share > 0)
    result = large.copy()
    for start in range(0, len(rows), PIXELS_AT_ONCE):
        y, x = rows[start : start + PIXELS_AT_ONCE], columns[start : start + PIXELS_AT_ONCE]
        gathered, found = _gathered(picture, edges, y, x)
        mix = (share[y, x] * found)[:, None]
        result[y, x] = np.rint((1 - mix) * large[y, x] + mix * gathered).astype(np.uint8)
    return result


def _steps(seen: Floats) -> Floats:
    """Greatest difference of depth (h, w) within 3 x 3 pixels, less what an even slope has there."""
    padded = np.pad(seen, 1, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).reshape(*seen.shape, 9)
    middle = windows[..., 4]
    # On a slope the middle is the mean of both sides; at an edge it is like one of them.
    bend = [np.abs(windows[..., k] + windows[..., 8 - k] - 2 * middle) for k in range(4)]
    strongest = np.maximum.reduce(bend).astype(np.float32)
    padded = np.pad(strongest, 1, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).max((2, 3))


def _gathered(
    picture: Pixels, edges: DepthEdges, y: NDArray[np.intp], x: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Colours (N, 3) for the output pixels (y, x), and in [0, 1] (N,) how much of the surroundings is alike.

    From 4 x 4 pixels of the small picture, weighted by nearness on the picture and in depth.
    """
    seen, guide = edges.seen, edges.guide
    small_height, small_width = seen.shape
    at_y = (y + 0.5) * small_height / guide.shape[0] - 0.5
    at_x = (x + 0.5) * small_width / guide.shape[1] - 0.5
    offsets = np.arange(-1, 3)
    near_y = np.floor(at_y).astype(np.intp)[:, None] + offsets
    near_x = np.floor(at_x).astype(np.intp)[:, None] + offsets
    apart = (near_y - at_y[:, None])[:, :, None] ** 2 + (near_x - at_x[:, None])[:, None, :] ** 2
    rows = near_y.clip(0, small_height - 1)[:, :, None]
    columns = near_x.clip(0, small_width - 1)[:, None, :]
    depths = seen[rows, columns]
    spread = np.ptp(depths.reshape(len(y), 16), axis=1)[:, None, None]
    unlike = (depths - guide[y, x][:, None, None]) / np.maximum(LIKE * spread, 1e-4)
    close = np.exp(-apart / (2 * REACH**2))
    weight = (close * np.exp(-(unlike**2) / 2)).astype(np.float32)
    total = weight.sum((1, 2))
    colours = np.einsum("nij,nijc->nc", weight, picture[rows, columns].astype(np.float32))
    found = np.clip(total / (0.05 * close.sum((1, 2))), 0, 1)
    return colours / np.maximum(total, 1e-9)[:, None], found.astype(np.float32)
