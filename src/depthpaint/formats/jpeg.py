"""JPEG: 8 bits with compression artefacts; or the depth map inside a phone's portrait."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass, field, replace
from xml.parsers import expat

import numpy as np

from depthpaint.core.errors import DepthError
from depthpaint.formats.file_kind import PNG_SIGNATURE
from depthpaint.formats.foreign import decoded
from depthpaint.formats.jpeg_segments import JpegSegments, read_jpeg_segments
from depthpaint.formats.png import decode_png
from depthpaint.formats.samples import (
    LOSSY_NOTE,
    UPRIGHT,
    UPRIGHT_NOTE,
    Quantity,
    Samples,
    bad_shape,
    check_size,
    damaged,
    gray_or_colours,
    upright,
)

MAX_PACKET_BYTES = 64 << 20
MAX_ELEMENTS = 100_000


@dataclass(frozen=True, slots=True)
class Xmp:
    """`values` maps properties to their first values; `elements` are the attributes of each element."""

    values: dict[str, str] = field(default_factory=dict[str, str])
    elements: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


class _Refused(Exception):
    """XML content that no XMP packet has."""


def read_xmp(packet: bytes) -> Xmp:
    """Parse a packet; the result is empty if it is damaged, or declares types or entities.

    Entities can expand XML to gigabytes, so parsing stops at a document type declaration.
    """
    parsed = Xmp()
    # Packets end in padding, and some writers add a NUL.
    text = packet.strip(b"\0 \t\r\n")
    if not text or len(text) > MAX_PACKET_BYTES:
        return parsed
    open_texts: list[list[str]] = []
    count = 0

    def start(_: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MAX_ELEMENTS:
            raise _Refused
        open_texts.append([])
        if attributes:
            parsed.elements.append(attributes)
            for key, value in attributes.items():
                parsed.values.setdefault(key, value)

    def end(name: str) -> None:
        content = "".join(open_texts.pop()).strip()
        if content:
            parsed.values.setdefault(name, content)

    def characters(content: str) -> None:
        if open_texts:
            open_texts[-1].append(content)

    def refuse(*_: object) -> None:
        raise _Refused

    parser = expat.ParserCreate(namespace_separator="")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, _Refused, ValueError, LookupError):
        return Xmp()
    return parsed


_GDEPTH = "http://ns.google.com/photos/1.0/depthmap/"
_DYNAMIC = "http://ns.google.com/photos/dd/1.0/depthmap/"
_ITEMS = ("http://ns.google.com/photos/dd/1.0/item/", "http://ns.google.com/photos/1.0/container/item/")
_APPLE_KIND = "http://ns.apple.com/pixeldatainfo/1.0/AuxiliaryImageType"
_PICTURES_TAG, _PICTURE_BYTES, _MAX_PICTURES = 0xB002, 16, 64
_KIND = "portrait"


@dataclass(frozen=True, slots=True)
class HiddenMap:
    """A picture file inside another one.

    `growing` is the quantity that grows with its numbers, None if unknown. `backwards` is for Google's
    RangeInverse, which stores 1 - (disparity, stretched to [0, 1]): near is 0 although it is not a distance.
    """

    data: bytes
    growing: Quantity | None
    backwards: bool
    note: str


def hidden_map(name: str, data: bytes, segments: JpegSegments) -> HiddenMap | None:
    """Find the depth map inside a JPEG, or None; raises DepthError if one is declared but missing."""
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
        raise damaged(name, _KIND, "the depth map inside it is not base64") from error


def _behind(name: str, data: bytes, xmp: Xmp) -> bytes | None:
    """The depth item of a container directory: items follow one after the other at the file's end."""
    for namespace in _ITEMS:
        items = [element for element in xmp.elements if f"{namespace}Mime" in element]
        for k, item in enumerate(items[1:], start=1):
            words = f"{item.get(f'{namespace}Semantic', '')} {item.get(f'{namespace}DataURI', '')}".lower()
            if "depth" not in words or "confidence" in words:
                continue
            lengths = [later.get(f"{namespace}Length", "") for later in items[k:]]
            if not all(length.isascii() and length.isdigit() and len(length) < 12 for length in lengths):
                raise damaged(name, _KIND, "it does not state the length of the depth map inside it")
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
            continue  # a damaged preview is irrelevant
        kind = read_xmp(inner.xmp).values.get(_APPLE_KIND, "").lower()
        note = "the depth map inside the picture is used, not the picture itself"
        if "disparity" in kind:
            return HiddenMap(content, "disparity", False, note)
        if "depth" in kind:
            return HiddenMap(content, "distance", False, note)
    return None


def _further_pictures(segments: JpegSegments) -> list[tuple[int, int]]:
    """Start and length in the file of each picture but the first; empty if the table is invalid."""
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
            # Offsets are relative to this table.
            return [(place + where, size) for _, size, where in pictures if where]
    return []


def decode_jpeg(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode the depth map inside a portrait, or else the picture itself, upright; raises DepthError."""
    segments = read_jpeg_segments(name, data)
    hidden = hidden_map(name, data, segments)
    samples = _pixels(name, segments, max_pixels) if hidden is None else _revealed(name, hidden, max_pixels)
    if segments.junk:
        skipped = f"bytes between the parts of its header that belong to none are skipped: {segments.junk:,}"
        samples = replace(samples, notes=(skipped, *samples.notes))
    orientation = segments.orientation
    if orientation == UPRIGHT:
        return samples
    # A hidden map has the orientation of the outer picture.
    opaque = None if samples.opaque is None else upright(samples.opaque, orientation)
    notes = (*samples.notes, UPRIGHT_NOTE)
    return replace(samples, values=upright(samples.values, orientation), opaque=opaque, notes=notes)


def _pixels(name: str, segments: JpegSegments, max_pixels: int) -> Samples:
    check_size(name, segments.size, max_pixels)
    if segments.components not in (1, 3):
        raise bad_shape(name, "a picture in printing inks (CMYK)", "save the depth as gray")
    values = decoded(name, segments.plain, "JPEG")
    if values.ndim == 3:
        values = gray_or_colours(values, lossy=True)
    return Samples(values=values, opaque=None, bits=8, notes=(LOSSY_NOTE,), lossy=True)


def _revealed(name: str, hidden: HiddenMap, max_pixels: int) -> Samples:
    inner = f"{name} (the depth map inside)"
    if hidden.data.startswith(PNG_SIGNATURE):
        samples = decode_png(inner, hidden.data, max_pixels)
    elif hidden.data.startswith(b"\xff\xd8\xff"):
        samples = _pixels(inner, read_jpeg_segments(inner, hidden.data), max_pixels)
    else:
        raise damaged(inner, "depth map", "it is neither a PNG nor a JPEG")
    values = samples.values
    if hidden.backwards:
        values = np.iinfo(values.dtype).max - values
    notes = (hidden.note, *samples.notes)
    return replace(samples, values=values, notes=notes, quantity=hidden.growing, hidden=True)
