"""Where a phone hides the depth map inside a JPEG portrait, and what it says of the map's numbers.

Three ways: Google's GDepth (https://developers.google.com/depthmap-metadata/reference, base64 in the second
XMP packet), Google's Dynamic Depth 1.0 (the map as a file behind the picture, listed in a container
directory), and Apple's (the map as another picture of a multi-picture file, CIPA DC-007, named in that
picture's own XMP).
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass

from depthpaint.core.errors import DepthError
from depthpaint.depth.formats.samples import Quantity
from depthpaint.inputs.jpeg_segments import JpegSegments, read_jpeg_segments
from depthpaint.inputs.refusal import damaged
from depthpaint.inputs.xmp import Xmp, read_xmp

_GDEPTH = "http://ns.google.com/photos/1.0/depthmap/"
_DYNAMIC = "http://ns.google.com/photos/dd/1.0/depthmap/"
_ITEMS = ("http://ns.google.com/photos/dd/1.0/item/", "http://ns.google.com/photos/1.0/container/item/")
_APPLE_KIND = "http://ns.apple.com/pixeldatainfo/1.0/AuxiliaryImageType"
_PICTURES_TAG, _PICTURE_BYTES, _MAX_PICTURES = 0xB002, 16, 64
_KIND = "portrait"


@dataclass(frozen=True, slots=True)
class HiddenMap:
    """A picture file inside another one.

    `growing` is what grows with its numbers, None where that is not said. `backwards` is for Google's
    RangeInverse, which stores 1 - (disparity, stretched to [0, 1]): near is 0 although it is no distance.
    """

    data: bytes
    growing: Quantity | None
    backwards: bool
    note: str


def hidden_map(name: str, data: bytes, segments: JpegSegments) -> HiddenMap | None:
    """Find the depth map inside a JPEG, or None; raises DepthError where one is announced but is missing."""
    plain, extended = read_xmp(segments.xmp), read_xmp(segments.extended_xmp)
    values = plain.values | extended.values
    if f"{_GDEPTH}Data" in values:
        return _google(values, _GDEPTH, _from_base64(name, values[f"{_GDEPTH}Data"]))
    behind = _behind(name, data, plain)
    if behind is not None:
        return _google(values, _DYNAMIC if f"{_DYNAMIC}Format" in values else _GDEPTH, behind)
    return _apple(name, data, segments)


def _google(values: dict[str, str], namespace: str, content: bytes) -> HiddenMap:
    form = values.get(f"{namespace}Format", "")
    near, far = (values.get(f"{namespace}{end}", "")[:20] for end in ("Near", "Far"))
    units = values.get(f"{namespace}Units", "")[:10]
    span = f" ({form}, from {near} to {far}{' ' if units else ''}{units})" if near and far else ""
    growing: dict[str, Quantity] = {"RangeInverse": "disparity", "RangeLinear": "distance"}
    return HiddenMap(
        content,
        growing.get(form),
        form == "RangeInverse",
        f"the depth map inside the picture is used, not the picture itself{span}",
    )


def _from_base64(name: str, text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise damaged(name, _KIND, "the depth map inside it is no base64") from error


def _behind(name: str, data: bytes, xmp: Xmp) -> bytes | None:
    """The item of a container directory that is depth: items lie one after the other at the file's end."""
    for namespace in _ITEMS:
        items = [element for element in xmp.elements if f"{namespace}Mime" in element]
        for k, item in enumerate(items[1:], start=1):
            words = f"{item.get(f'{namespace}Semantic', '')} {item.get(f'{namespace}DataURI', '')}".lower()
            if "depth" not in words or "confidence" in words:
                continue
            lengths = [later.get(f"{namespace}Length", "") for later in items[k:]]
            if not all(length.isascii() and length.isdigit() and len(length) < 12 for length in lengths):
                raise damaged(name, _KIND, "it does not say how long the depth map inside it is")
            start, length = len(data) - sum(map(int, lengths)), int(lengths[0])
            if start < 0 or length == 0:
                raise damaged(name, _KIND, "the depth map inside it is not where it should be")
            return data[start : start + length]
    return None


def _apple(name: str, data: bytes, segments: JpegSegments) -> HiddenMap | None:
    """The first further picture whose own XMP calls it depth or disparity."""
    for start, length in _further_pictures(segments):
        content = data[start : start + length]
        if content[:3] != b"\xff\xd8\xff":
            continue
        try:
            inner = read_jpeg_segments(name, content)
        except DepthError:
            continue  # a preview that is damaged is none of our business
        kind = read_xmp(inner.xmp).values.get(_APPLE_KIND, "").lower()
        note = "the depth map inside the picture is used, not the picture itself"
        if "disparity" in kind:
            return HiddenMap(content, "disparity", False, note)
        if "depth" in kind:
            return HiddenMap(content, "distance", False, note)
    return None


def _further_pictures(segments: JpegSegments) -> list[tuple[int, int]]:
    """Start and length in the file of each picture but the first; empty where the table makes no sense."""
    table, place = segments.multi_picture
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(table[:4])
    if order is None or len(table) < 8:
        return []
    (offset,) = struct.unpack_from(f"{order}I", table, 4)
    if offset + 2 > len(table):
        return []
    (count,) = struct.unpack_from(f"{order}H", table, offset)
    for position in range(offset + 2, min(offset + 2 + 12 * count, len(table) - 11), 12):
        tag, _, length, start = struct.unpack_from(f"{order}HHII", table, position)
        if tag == _PICTURES_TAG and start + length <= len(table):
            ends = range(start + _PICTURE_BYTES, start + length - _PICTURE_BYTES + 1, _PICTURE_BYTES)
            pictures = [struct.unpack_from(f"{order}III", table, entry) for entry in ends[:_MAX_PICTURES]]
            # Places count from this table's own beginning.
            return [(place + where, size) for _, size, where in pictures if where]
    return []
