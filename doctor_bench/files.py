"""Numbers as the bytes of a file, as programs write them; and bars and pages around a picture."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from depthpaint.depth.colour_map import ColourMapName, colours_of
from depthpaint.formats.exr_lines import write_exr_depth
from doctor_bench.geometry import Floats
from doctor_bench.things import Rng

Container = Literal["png", "jpeg", "tiff", "npy", "npz", "exr", "pfm"]
Bytes = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom, the last two excluded."""


def encoded(numbers: NDArray[Any], container: Container) -> bytes:
    """The file of `numbers`, (H, W) or 8-bit colours (H, W, 3)."""
    stream = BytesIO()
    if container == "exr":
        return write_exr_depth(numbers.astype(np.float32))
    if container == "pfm":
        height, width = numbers.shape
        return f"Pf\n{width} {height}\n-1.0\n".encode() + numbers[::-1].astype("<f4").tobytes()
    if container == "npy":
        np.save(stream, numbers, allow_pickle=False)
    elif container == "npz":
        np.savez_compressed(stream, depth=numbers)
    elif container == "jpeg":
        Image.fromarray(numbers).save(stream, "JPEG", quality=92)
    else:
        Image.fromarray(numbers).save(
            stream, container.upper(), **({"compress_level": 1} if container == "png" else {})
        )
    return stream.getvalue()


def coloured(positions: Floats, name: ColourMapName, *, swapped: bool = False) -> Bytes:
    """8-bit colours (H, W, 3) of positions (H, W) in [0, 1]."""
    return np.rint(colours_of(name, swapped)[np.rint(positions * 255).astype(np.uint8)]).astype(np.uint8)


_VIEWER = np.array([(0, 0, 255), (0, 255, 255), (255, 255, 0), (255, 0, 0), (50, 0, 0)], np.float64)


def viewer_colours(distance: Floats, lost: NDArray[np.bool_]) -> Bytes:
    """The RealSense Viewer's colours, blue (near) to dark red, evenly used; black where nothing is known."""
    known = np.sort(distance[~lost])
    place = np.searchsorted(known, distance) / len(known) * (len(_VIEWER) - 1)
    picture = np.stack([np.interp(place, range(len(_VIEWER)), _VIEWER[:, k]) for k in range(3)], axis=-1)
    picture[lost] = 0
    return picture.astype(np.uint8)


def letterboxed(picture: Bytes, rng: Rng) -> tuple[Bytes, Box, int]:
    """With black bars above and below, or at both sides: the picture, the map's box, and the bars' gray."""
    height, width = picture.shape[:2]
    across = rng.random() < 0.7
    bar = int(rng.uniform(0.06, 0.2) * (height if across else width))
    down, right = (bar, 0) if across else (0, bar)
    whole = np.zeros((height + 2 * down, width + 2 * right, *picture.shape[2:]), np.uint8)
    whole[down : down + height, right : right + width] = picture
    return whole, (right, down, right + width, down + height), 0


def on_a_page(picture: Bytes, bar: Bytes, rng: Rng) -> tuple[Bytes, Box, int]:
    """A plotting program's figure: white, a title, a line around the map, and the colours `bar` (256, 1)."""
    height, width = picture.shape[:2]
    top, left = int(rng.integers(18, 34)), int(rng.integers(14, 34))
    below, right = int(rng.integers(14, 30)), int(rng.integers(44, 70))
    whole = np.full((top + height + below, left + width + right, *picture.shape[2:]), 255, np.uint8)
    whole[top - 1 : top + height + 1, left - 1 : left + width + 1] = 0
    whole[top : top + height, left : left + width] = picture
    places = np.linspace(255, 0, height).astype(np.uint8)
    whole[top : top + height, left + width + 10 : left + width + 20] = bar[places]
    image = Image.fromarray(whole)
    pen, ink = ImageDraw.Draw(image), 0 if whole.ndim == 2 else (0, 0, 0)
    pen.text((left + width // 3, 3), "depth", fill=ink)
    for mark in range(4):
        level = top + mark * (height - 10) // 3
        pen.text((left + width + 23, level), f"{4 - mark}.0", fill=ink)
    return np.asarray(image), (left, top, left + width, top + height), 255
