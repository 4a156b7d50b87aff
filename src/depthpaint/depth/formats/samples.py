"""What a decoder hands on: numbers as stored, and what the file itself says of their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FormatName = Literal["png", "jpeg", "webp", "tiff", "npy", "npz", "pfm", "exr", "heif"]
Quantity = Literal["distance", "disparity"]
"""What grows with the stored number: the distance from the camera, or the nearness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Decoded numbers of any real type.

    `values` is (H, W), or (H, W, 3) for colours; `opaque` is bool (H, W), or None where the file knows no
    transparency; `bits` is what the file's format holds a value; `notes` are sentences to show the user.

    The rest is what the file itself states, never a guess: `lossy` numbers went through JPEG or the like;
    `quantity` is None where nothing is said; `metres` is how many metres one stored unit is; `empty` is the
    stored number that stands for "nothing was measured here" (GDAL's nodata); `part` names what was chosen
    inside a container (an NPZ key, an EXR channel); `hidden` numbers are a depth map inside a
    picture; `stated_by` says who states all this.
    """

    values: NDArray[Any]
    opaque: NDArray[np.bool_] | None
    bits: int
    notes: tuple[str, ...] = ()
    lossy: bool = False
    quantity: Quantity | None = None
    metres: float | None = None
    empty: float | None = None
    part: str | None = None
    hidden: bool = False
    stated_by: str = "the file"
