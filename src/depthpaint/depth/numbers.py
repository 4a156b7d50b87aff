"""One number a pixel: gray as it is, colours along their map, packed bytes put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.colour_map import Reading, read_colours
from depthpaint.depth.colour_maps import ColourMapName
from depthpaint.depth.finding import Finding
from depthpaint.depth.formats.packed import looks_packed, unpack_rgb24
from depthpaint.depth.formats.samples import Samples
from depthpaint.depth.mixed_pixels import repaired
from depthpaint.depth.reading import ColoursChoice

RED, MOST_RED = 0.04, 0.01
"""How far from its ends hsv is red, and how much red of a lossy picture may be."""
MIXED, MIXED_LOSSY, SAME_BRIGHTNESS = 6.0, 16.0, 6.0
"""Colours further from their map than this, in 1/255, are mixed from two depths."""
SURELY_PACKED = 0.5


@dataclass(frozen=True, slots=True)
class Numbers:
    """`values` (H, W) of any real type; the colour map's name, and what was concluded (None for gray)."""

    values: NDArray[Any]
    colour_map: str
    finding: Finding | None
    notes: tuple[str, ...] = ()


def numbers_of(
    name: str, samples: Samples, picture: NDArray[Any], opaque: NDArray[np.bool_] | None, told: ColoursChoice
) -> Numbers:
    """Read `picture`, (H, W) or (H, W, 3), as numbers; `told` is what the user says of its colours.

    Raises DepthError for a picture that is painted with no known map.
    """
    if picture.ndim == 2:
        if told in ("auto", "gray"):
            return Numbers(picture, "gray", None)
        if picture.dtype.itemsize > 1:
            raise _not_coloured(name, told)
    notes = list[str]()
    picture, narrowed = _bytes(name, picture)
    if narrowed:
        notes.append("16-bit colours are read at 8 bits")
    if told in ("rgb24", "bgr24"):
        return _unpacked(picture, told, Finding(
            aspect="colour_map", value=told, confidence=1.0, evidence="as told", flag="--colour-map",
        ))  # fmt: skip
    if told == "auto" and picture.ndim == 3 and not samples.lossy:
        order, confidence = looks_packed(picture)
        if order is not None and confidence >= SURELY_PACKED:
            return _unpacked(picture, f"{order}24", Finding(
                aspect="colour_map", value=f"{order}24", confidence=confidence,
                evidence="the low byte runs through 0 to 255 while the next counts by one",
                flag="--colour-map",
            ))  # fmt: skip
    only = None if told == "auto" else told
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
        f"{name} has colours of a kind ({picture.dtype}) that no colour map is written in",
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
            f"{name} is a colour picture: a photo, or depth in a colour map that is not known (nearest is "
            f"{reading.name}, {reading.mean:.1f}/255 away, with {reading.share:.0%} of the pixels on it)",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="name the map with --colour-map, or give depth as gray; for a photo use --from-photo",
            value=round(reading.mean, 3),
        )
    # In a lossy picture all colours are a little mixed; only a neighbour of the same brightness is better.
    limits = (MIXED_LOSSY, SAME_BRIGHTNESS) if lossy else (MIXED, np.inf)
    if lossy and reading.name == "hsv" and only is None:
        _require_one_red(name, reading)
    values, mixed = repaired(picture, reading, *limits)
    if mixed >= 0.001:
        notes.append(f"{mixed:.1%} of the colours are mixed from two depths; they take their neighbour's")
    if reading.name == "gray":
        notes.append(f"the colours are gray but for {reading.mean:.1f}/255; they are read as gray")
    else:
        notes.append(f"the colours are the map {reading.name}{swapped}; depth is read along it")
    return Numbers(
        values,
        reading.name,
        Finding(
            aspect="colour_map", value=reading.name, evidence=evidence if only is None else "as told",
            confidence=reading.confidence if only is None else 1.0, flag="--colour-map",
        ),
        tuple(notes),
    )  # fmt: skip


def _require_one_red(name: str, reading: Reading) -> None:
    """Refuse a lossy picture in hsv that shows its ends: both are red, and JPEG cannot keep them apart."""
    red = float(((reading.values < RED) | (reading.values > 1 - RED)).mean())
    if red > MOST_RED:
        raise DepthError(
            f"{name} is painted with hsv, whose near and far ends are both red, and {red:.0%} of it is red",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="save it as PNG, or take the risk with --colour-map hsv",
            value=round(red, 3),
            limit=MOST_RED,
        )


def _not_coloured(name: str, told: str) -> DepthError:
    return DepthError(
        f"{name} has no colours, and so none of the map {told}",
        code=ErrorCode.INVALID_PARAMETER,
        remedy="leave --colour-map out",
        value=told,
    )
