"""The one gate through which a depth file becomes a DepthMap."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode, OutOfMemory
from depthpaint.core.geometry import Extent
from depthpaint.depth.colour_map import MEAN_LIMIT, TAIL_LIMIT, read_colours
from depthpaint.depth.depth_map import ColourMapName, DepthMap, DepthSource, Near
from depthpaint.depth.formats.decode import decode
from depthpaint.depth.formats.samples import Samples
from depthpaint.depth.normalise import normalise
from depthpaint.inputs.regular_file import read_regular_file
from depthpaint.inputs.size_limit import MAX_FILE_BYTES


def read_depth(
    path: str | os.PathLike[str],
    *,
    near: Near = "white",
    alpha_mask: bool = False,
    allow_constant: bool = False,
) -> DepthMap:
    """Read a PNG or NPY depth map, told by its content, and bring it to [0, 1] with 1 = nearest.

    `near` says which end of the stored values is near (the high end is "white"). `alpha_mask` makes
    transparent pixels invalid; `allow_constant` lets a flat map through, as 0.5. Raises DepthError,
    UnsafeFormatError, OutOfMemory.
    """
    try:
        return _read(Path(path), near, alpha_mask, allow_constant)
    except MemoryError as error:
        raise OutOfMemory(
            f"there is not enough memory to read {path}",
            code=ErrorCode.OUT_OF_MEMORY,
            remedy="make the depth map smaller",
            value=str(path),
        ) from error


def _read(path: Path, near: Near, alpha_mask: bool, allow_constant: bool) -> DepthMap:
    name = str(path)
    data = read_regular_file(path, MAX_FILE_BYTES)
    file_format, samples = decode(name, data)
    notes = [*_name_note(path, file_format), *samples.notes]
    mask, alpha_notes = _mask(samples, alpha_mask)
    colour_map, confidence, numbers, colour_notes = _numbers(name, samples, mask)
    depth = normalise(name, numbers, mask, near=near, allow_constant=allow_constant)
    height, width = depth.values.shape
    source = DepthSource(
        path=name,
        sha256=hashlib.sha256(data).hexdigest(),
        format=file_format,
        size=Extent(width, height),
        container_bits=samples.bits,
        bits_used=(depth.levels - 1).bit_length(),
        levels=depth.levels,
        colour_map=colour_map,
        colour_map_confidence=confidence,
        near=near,
        raw_range=depth.raw_range,
        invalid_share=1 - float(depth.valid.mean()),
        notes=(*notes, *alpha_notes, *colour_notes, *depth.notes),
    )
    return DepthMap(values=depth.values, valid=depth.valid, source=source)


def _name_note(path: Path, file_format: str) -> list[str]:
    ending = path.suffix.lower()
    if ending in ("", f".{file_format}"):
        return []
    return [f"the file is a {file_format.upper()} although its name ends in {ending}"]


def _mask(samples: Samples, alpha_mask: bool) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """What transparency means: nothing, unless it was asked to mean "not valid"."""
    if samples.opaque is None or samples.opaque.all():
        return None, ["--alpha-mask has no effect: nothing is transparent"] if alpha_mask else []
    share = 1 - float(samples.opaque.mean())
    if alpha_mask:
        return samples.opaque, [f"{share:.1%} of the pixels are transparent; they are filled as far"]
    return None, [f"the transparency of {share:.1%} of the pixels is ignored; --alpha-mask leaves them out"]


def _numbers(
    name: str, samples: Samples, mask: NDArray[np.bool_] | None
) -> tuple[ColourMapName, float, NDArray[np.generic], list[str]]:
    """One number a pixel: gray as it is, colours along their colour map."""
    if samples.values.ndim == 2:
        return "gray", 1.0, samples.values, []
    picture, notes = samples.values, list[str]()
    if picture.dtype == np.uint16:
        notes.append("16-bit colours are read at 8 bits")
        picture = ((picture.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8)
    reading = read_colours(picture, mask)
    if not reading.accepted:
        raise DepthError(
            f"{name} is a colour picture: a photo, or depth in a colour map that is not known (its colours "
            f"lie {reading.mean:.1f}/255 from the nearest known map, {reading.name}, on average and "
            f"{reading.tail:.1f}/255 in the worst hundredth; {MEAN_LIMIT:g} and {TAIL_LIMIT:g} are allowed)",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy="give the depth as gray, or in matplotlib's bone colours",
            value=round(reading.mean, 3),
            limit=MEAN_LIMIT,
        )
    if reading.name == "gray":
        notes.append(f"the colours are gray but for {reading.mean:.1f}/255; they are read as gray")
    else:
        notes.append(f"the colours are those of the colour map {reading.name}; depth is read along it")
    return reading.name, reading.confidence, reading.values, notes
