"""Depth packed into the three bytes of a colour, as simulators write it.

CARLA (https://carla.readthedocs.io/en/latest/ref_sensors/#depth-camera) writes distance as R + 256 G + 65536
B, where 2**24 - 1 is its far plane, at 1000 metres; others write the bytes the other way round.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Order = Literal["rgb", "bgr"]

# Below this the carries say that two channels are one number. Channels of photos and of colour maps move
# together or apart and stay near 1; two channels of noise alone give 0.75.
CARRY_LIMIT = 0.5
_FEWEST_BENDS = 64
_LINES = 512  # rows, and columns, that are looked at


def unpack_rgb24(picture: NDArray[np.uint8], order: Order) -> NDArray[np.uint32]:
    """R + 256 G + 65536 B for "rgb", the reverse for "bgr"; picture (H, W, 3), returns (H, W)."""
    low, middle, high = (plane.astype(np.uint32) for plane in _bytes(picture, order))
    return np.asarray(low | middle << 8 | high << 16, dtype=np.uint32)


def looks_packed(picture: NDArray[np.uint8]) -> tuple[Order | None, float]:
    """Tell whether the channels of (H, W, 3) are the bytes of one number, and how surely, from 0 to 1.

    Where a packed number passes a multiple of 256, the higher byte moves by one and the lower one falls from
    255 to 0 or jumps back, and only both together are smooth. No picture and no colour map does that: there
    neighbours are alike in every channel.
    """
    best: Order | None = None
    least = 1.0
    orders: tuple[Order, ...] = ("rgb", "bgr")
    for order in orders:
        carry = _carry(picture, order)
        if carry < least:
            best, least = order, carry
    confidence = 1 - least
    return (best, confidence) if least < CARRY_LIMIT else (None, confidence)


def _carry(picture: NDArray[np.uint8], order: Order) -> float:
    """How far a byte's bends are from being carries of the one below it: 0 for all carries, 1 for none."""
    low, middle, high = _bytes(picture, order)
    bends = _bends(high)
    carries = _apart(bends, _bends(middle))
    if carries is None and not bends.any():
        # Everything is so near that the highest byte is never reached.
        carries = _apart(_bends(middle), _bends(low))
    return 1.0 if carries is None else carries


def _apart(bends: NDArray[np.int16], below: NDArray[np.int16]) -> float | None:
    """Where a byte bends a little: how far the two bytes as one number bend, over what each does alone."""
    small = (bends != 0) & (np.abs(bends) <= 2)
    if int(small.sum()) < _FEWEST_BENDS:
        return None
    upper, lower = 256 * bends[small].astype(np.int32), below[small].astype(np.int32)
    return float(np.abs(upper + lower).sum()) / float((np.abs(upper) + np.abs(lower)).sum())


def _bends(plane: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Second differences, along some of the rows and down some columns: 0 on any slope that is even."""
    rows = plane[:: max(1, plane.shape[0] // _LINES)].astype(np.int16)
    columns = plane[:, :: max(1, plane.shape[1] // _LINES)].astype(np.int16)
    return np.concatenate([np.diff(rows, 2, axis=1).ravel(), np.diff(columns, 2, axis=0).ravel()])


def _bytes(
    picture: NDArray[np.uint8], order: Order
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """The low, the middle and the high byte."""
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    return (red, green, blue) if order == "rgb" else (blue, green, red)
