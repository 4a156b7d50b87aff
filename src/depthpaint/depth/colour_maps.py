"""The colour maps that depth is painted with: 256 colours each, as matplotlib and OpenCV write them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.shipped_file import require_digest

ColourMapName = Literal[
    "gray", "bone", "jet", "turbo", "rainbow", "hsv", "viridis", "plasma", "inferno", "magma", "cividis",
    "hot", "coolwarm", "Spectral",
]  # fmt: skip
NAMES: tuple[ColourMapName, ...] = get_args(ColourMapName)
NEARLY_GRAY: frozenset[ColourMapName] = frozenset({"gray", "bone"})
"""Maps that a pale photo also comes close to; they are believed only where the colours fit well."""

Colours = NDArray[np.float32]

PICTURE = Path(__file__).with_name("colour_maps.png")
"""One row a map, so that anybody can look at it."""
DIGEST = "02de6633a9814a85ca3d9afbfe1a7174f51edc574ffa0811e7e414a8e68c5fef"


@cache
def colours_of(name: ColourMapName, swapped: bool = False) -> Colours:
    """The map's colours from its first to its last: float32 (256, 3) in [0, 255].

    `swapped` exchanges red and blue, as a program does that takes RGB for BGR. A map and its reverse ("_r")
    are the same line in colour space; which end of it is near is another question.
    """
    table = _table()[NAMES.index(name)]
    return table[:, ::-1] if swapped else table


@cache
def _table() -> Colours:
    require_digest("the depth doctor", PICTURE, DIGEST)
    with PICTURE.open("rb") as file:
        return np.asarray(Image.open(file, formats=("PNG",)).convert("RGB")).astype(np.float32)
