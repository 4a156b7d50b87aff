"""One number per pixel: gray unchanged, colours converted along their map, packed bytes combined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.colour_map import ColourMapName, Reading, read_colours, repaired
from depthpaint.depth.depth_map import ColoursChoice, Finding
from depthpaint.formats.samples import Samples

Order = Literal["rgb", "bgr"]

# Below this the carries show that two channels are one number. Channels of photos and of colour maps move
# together or apart and stay near 1; two channels of noise alone give 0.75.
CARRY_LIMIT = 0.5
_FEWEST_BENDS = 64
_LINES = 512  # the number of rows, and columns, that are examined


def unpack_rgb24(picture: NDArray[np.uint8], order: Order) -> NDArray[np.uint32]:
    """R + 256 G + 65536 B for "rgb", the reverse for "bgr"; picture (H, W, 3), returns (H, W)."""
    low, middle, high = (plane.astype(np.uint32) for plane in _ordered(picture, order))
    return np.asarray(low | middle << 8 | high << 16, dtype=np.uint32)


def looks_packed(picture: NDArray[np.uint8]) -> tuple[Order | None, float]:
    """Whether the channels of (H, W, 3) are the bytes of one number, and the confidence, from 0 to 1.

    Where a packed number passes a multiple of 256, the higher byte moves by one and the lower one falls from
    255 to 0 or jumps back, and only both together are smooth. In pictures and colour maps
    neighbours are similar in every channel.
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
    """How far a byte's second differences are from carries of the byte below: 0 for all, 1 for none."""
    low, middle, high = _ordered(picture, order)
    bends = _bends(high)
    carries = _apart(bends, _bends(middle))
    if carries is None and not bends.any():
        # All depths are so near that the highest byte is never reached.
        carries = _apart(_bends(middle), _bends(low))
    return 1.0 if carries is None else carries


def _apart(bends: NDArray[np.int16], below: NDArray[np.int16]) -> float | None:
    """Where a byte bends slightly: the bend of both bytes as one number, relative to that of each alone."""
    small = (bends != 0) & (np.abs(bends) <= 2)
    if int(small.sum()) < _FEWEST_BENDS:
        return None
    upper, lower = 256 * bends[small].astype(np.int32), below[small].astype(np.int32)
    return float(np.abs(upper + lower).sum()) / float((np.abs(upper) + np.abs(lower)).sum())


def _bends(plane: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Second differences, along some of the rows and down some columns: 0 on even slopes."""
    rows = plane[:: max(1, plane.shape[0] // _LINES)].astype(np.int16)
    columns = plane[:, :: max(1, plane.shape[1] // _LINES)].astype(np.int16)
    return np.concatenate([np.diff(rows, 2, axis=1).ravel(), np.diff(columns, 2, axis=0).ravel()])


def _ordered(
    picture: NDArray[np.uint8], order: Order
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """The low, the middle and the high byte."""
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    return (red, green, blue) if order == "rgb" else (blue, green, red)


RED, MOST_RED = 0.04, 0.01
"""The distance from the ends of hsv that is red, and the largest share of red in a lossy picture."""
MIXED, MIXED_LOSSY, SAME_BRIGHTNESS = 6.0, 16.0, 6.0
"""Colours further from their map than this, in 1/255, are mixed from two depths."""
SURELY_PACKED = 0.5
LEAST_BLACK = 0.0005
RANKS_NOTE = (
    "RealSense's viewer usually spreads its colours evenly over the pixels: they are ranks, not metres, so "
    "only the order of the depths is right; for the distances save the depth itself"
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """`values` (H, W) of any real type; the colour map's name, and what was concluded (None for gray).

    `low_is_near` is why the low end should be near, "" if the colours do not show it.
    """

    values: NDArray[Any]
    colour_map: str
    finding: Finding | None
    notes: tuple[str, ...] = ()
    low_is_near: str = ""


def numbers_of(
    name: str, samples: Samples, picture: NDArray[Any], opaque: NDArray[np.bool_] | None, given: ColoursChoice
) -> Numbers:
    """Convert `picture`, (H, W) or (H, W, 3), to numbers; `given` is the user's setting for its colours.

    Raises DepthError for a picture without a known colour map.
    """
    if picture.ndim == 2:
        if given in ("auto", "gray"):
            return Numbers(picture, "gray", None)
        if picture.dtype.itemsize > 1:
            raise _not_coloured(name, given)
    notes = list[str]()
    picture, narrowed = _bytes(name, picture)
    if narrowed:
        notes.append("16-bit colours are read at 8 bits")
    if given in ("rgb24", "bgr24"):
        return _unpacked(picture, given, Finding(
            aspect="colour_map", value=given, confidence=1.0, evidence="as given", flag="--colour-map",
        ))  # fmt: skip
    if given == "auto" and picture.ndim == 3 and not samples.lossy:
        order, confidence = looks_packed(picture)
        if order is not None and confidence >= SURELY_PACKED:
            return _unpacked(picture, f"{order}24", Finding(
                aspect="colour_map", value=f"{order}24", confidence=confidence,
                evidence="the low byte runs through 0 to 255 while the next counts by one",
                flag="--colour-map",
            ))  # fmt: skip
    only = None if given == "auto" else given
    return _along_a_map(name, samples.lossy, picture, opaque, only, notes)


def _bytes(name: str, picture: NDArray[Any]) -> tuple[NDArray[np.uint8], bool]:
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if picture.dtype == np.uint8:
        return picture, False
    if picture.dtype == np.uint16:
        return ((picture.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8), True
    if picture.dtype.kind == "f" and np.isfinite(picture).all() and 0 <= picture.min() <= picture.max() <= 1:
        return np.rint(picture * 255).astype(np.uint8), False
    raise DepthError(
        f"{name} has colours of the type {picture.dtype}, which no colour map uses",
        code=ErrorCode.DEPTH_BAD_SHAPE,
        remedy="save the depth as one channel",
        value=str(picture.dtype),
    )


def _unpacked(picture: NDArray[np.uint8], order: str, finding: Finding) -> Numbers:
    values = unpack_rgb24(picture, "rgb" if order == "rgb24" else "bgr")
    return Numbers(values, order, finding, (f"depth is packed into the bytes of the colours ({order})",))


def _along_a_map(
    name: str, lossy: bool, picture: NDArray[np.uint8], opaque: NDArray[np.bool_] | None,
    only: ColourMapName | None, notes: list[str],
) -> Numbers:  # fmt: skip
    reading = read_colours(picture, opaque, only, lossy=lossy)
    swapped = " with red and blue exchanged" if reading.swapped else ""
    evidence = f"its colours lie {reading.mean:.1f}/255 from the map{swapped}"
    if only is None and not reading.accepted:
        raise DepthError(
            f"{name} is a colour picture: a photo, or depth in an unknown colour map (nearest is "
            f"{reading.name}, {reading.mean:.1f}/255 away, with {reading.share:.0%} of the pixels on it; "
            f"{reading.doubt})",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="give the map with --colour-map, or save depth as gray; for a photo use --from-photo",
            value=round(reading.mean, 3),
        )
    # In a lossy picture all colours are slightly mixed; only a neighbour of the same brightness is better.
    limits = (MIXED_LOSSY, SAME_BRIGHTNESS) if lossy else (MIXED, np.inf)
    if lossy and reading.name == "hsv" and only is None:
        _require_one_red(name, reading)
    values, mixed = repaired(picture, reading, *limits)
    if mixed >= 0.001:
        notes.append(f"{mixed:.1%} of the colours are mixed from two depths; a neighbour's depth is used")
    if reading.name == "gray":
        notes.append(f"the colours are gray within {reading.mean:.1f}/255; they are read as gray")
    else:
        notes.append(f"the colours are the map {reading.name}{swapped}; depth is read along it")
    if reading.black >= LEAST_BLACK:
        notes.append(f"{reading.black:.1%} is black, which the map is not: nothing was measured there")
    if reading.name == "realsense":
        notes.append(RANKS_NOTE)
    return Numbers(
        values,
        reading.name,
        Finding(
            aspect="colour_map", value=reading.name, evidence=evidence if only is None else "as given",
            confidence=reading.confidence if only is None else 1.0, flag="--colour-map",
        ),
        tuple(notes),
        "RealSense's viewer paints near things blue" if reading.name == "realsense" else "",
    )  # fmt: skip


def _require_one_red(name: str, reading: Reading) -> None:
    """Reject a lossy picture in hsv that shows its ends: both are red, and JPEG cannot separate them."""
    red = float(((reading.values < RED) | (reading.values > 1 - RED)).mean())
    if red > MOST_RED:
        raise DepthError(
            f"{name} is drawn with hsv, whose near and far ends are both red, and {red:.0%} of it is red",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="save it as PNG, or accept the risk with --colour-map hsv",
            value=round(red, 3),
            limit=MOST_RED,
        )


def _not_coloured(name: str, given: str) -> DepthError:
    return DepthError(
        f"{name} has no colours, so it cannot be drawn with the map {given}",
        code=ErrorCode.INVALID_PARAMETER,
        remedy="leave --colour-map out",
        value=given,
    )
