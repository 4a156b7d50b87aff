"""OpenEXR: choose the depth channel, read it, and place it in the display window."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.formats.exr_header import KIND, TYPES, ExrHeader, ExrPart, check_windows, read_exr_header
from depthpaint.formats.exr_lines import can_read, read_chunks, read_rows
from depthpaint.formats.foreign import decoded_elsewhere
from depthpaint.formats.samples import Quantity, Samples, bad_shape, damaged, frame_place, unsupported

_SHOWN = 12
_COLOURS = ("R", "G", "B")


@dataclass(frozen=True, slots=True)
class Choice:
    """Channels `names` of part `index`: one, or red, green and blue; `label` is the name to display.

    `quantity` is what the name states, `hint` what it suggests (Samples.hint).
    """

    index: int
    names: tuple[str, ...]
    label: str
    quantity: Quantity | None = None
    hint: Quantity | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    index: int
    name: str
    label: str
    siblings: frozenset[str]

    @property
    def layer(self) -> str:
        """The name up to its last point, which is included."""
        return self.name[: self.name.rfind(".") + 1]

    @property
    def triple(self) -> tuple[str, ...] | None:
        """The channels of the colour picture that this is the red of; None for any other channel."""
        names = tuple(self.layer + colour for colour in _COLOURS)
        return names if self.name == names[0] and self.siblings >= set(names) else None

    @property
    def rank(self) -> int | None:
        """0 for the most certain name of depth, 3 for mere brightness, None for other channels."""
        words = self.name.lower().split(".")
        # Normals and positions have a Z as well, with an X.
        vector = f"{self.layer}X" in self.siblings or f"{self.layer}x" in self.siblings
        if "mist" in self.label.lower().split("."):
            return 2
        if words[-1] in ("z", "depth") and not vector:
            return 0 if len(words) == 1 else 1
        if words[-1].endswith("depth"):
            return 1
        if len(words) > 1 and words[-2].endswith("depth"):
            lone_red = words[-1] == "r" and (self.triple or f"{self.layer}G" not in self.siblings)
            return 1 if words[-1] in ("v", "y") or lone_red else None
        hue = {f"{self.layer}H", f"{self.layer}S", f"{self.layer}U"}
        return 3 if self.name == "Y" or (words[-1] == "v" and not hue & self.siblings) else None


def choose(name: str, header: ExrHeader, part: str | None, frame: int | None = None) -> Choice:
    """Choose by `part` (a channel, a part of the file, or both joined by a point), or by the names alone.

    Z, depth; then names that end so, as in renderers' layers; then Mist; then Y and V; then the only channel,
    or the only red, green and blue, which must be one. `frame` is the index of a part of the file.
    Raises DepthError (depth_bad_shape), which lists the candidates.
    """
    everything = _candidates(header)
    if frame is not None:
        place = frame_place(name, frame, len(header.parts), "parts")
        everything = [each for each in everything if each.index == place]
    candidates = everything if part is None else _called(everything, header, part)
    if not candidates:
        raise bad_shape(
            name, f"no channel '{(part or '')[:80]}'", f"select one with --part: {_listed(everything)}"
        )
    if len(candidates) == 1:
        return _single(candidates[0])
    for rank in range(4):
        matches = [each for each in candidates if each.rank == rank]
        if len(matches) == 1:
            return _single(matches[0], matches[0].triple)
        if matches:
            raise _several(name, matches)
    coloured = [each for each in candidates if each.triple]
    if len(coloured) == 1:
        return _single(coloured[0], coloured[0].triple)
    raise _several(name, candidates)


def _single(candidate: _Candidate, triple: tuple[str, ...] | None = None) -> Choice:
    quantity: Quantity | None = None
    hint: Quantity | None = None
    if "disp" in candidate.label.lower():
        quantity = "disparity"
    elif candidate.rank == 2:
        quantity = "distance"  # mist, from 0 at the camera to 1 far away
    elif candidate.rank in (0, 1):
        hint = "distance"  # of renderers; estimators write disparity under the same names
    label = candidate.label
    if triple:
        label = f"{label[:-1]}RGB"
    return Choice(candidate.index, triple or (candidate.name,), label, quantity, hint)


def _candidates(header: ExrHeader) -> list[_Candidate]:
    # One set per part: a set per channel would take seconds for thousands of channels.
    beside = [frozenset(channel.name for channel in part.channels) for part in header.parts]
    return [
        _Candidate(index, channel.name, _labelled(header, index, channel.name), beside[index])
        for index, part in enumerate(header.parts)
        for channel in part.channels
    ]


def _labelled(header: ExrHeader, index: int, channel: str) -> str:
    """The channel's name, preceded by the part's name if there are several parts.

    Blender 5 names its channels so already, and its parts like the beginning of that.
    """
    part = header.parts[index].name
    named = not header.multi_part or not part or channel.startswith(f"{part}.")
    return channel if named else f"{part}.{channel}"


def _called(candidates: list[_Candidate], header: ExrHeader, part: str) -> list[_Candidate]:
    return (
        [each for each in candidates if each.label == part]
        or [each for each in candidates if each.name == part]
        or [each for each in candidates if header.parts[each.index].name == part]
        # A layer: all channels below it.
        or [each for each in candidates if each.label.startswith(f"{part}.")]
    )


def _several(name: str, candidates: list[_Candidate]) -> Exception:
    return bad_shape(
        name,
        f"several channels that could be the depth: {_listed(candidates)}",
        "select one with --part CHANNEL",
    )


def _listed(candidates: list[_Candidate]) -> str:
    names = [each.label[:80] for each in candidates]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def decode_exr(name: str, data: bytes, part: str | None, frame: int | None, max_pixels: int) -> Samples:
    """Decode one channel (H, W) of the display window's size; pixels outside the data window are NaN.

    A far plane of 1e10, which renderers write as background, is kept. Raises DepthError.
    """
    header = read_exr_header(name, data)
    choice = choose(name, header, part, frame)
    chosen = header.parts[choice.index]
    check_windows(name, chosen, max_pixels)
    wanted = [channel for channel in chosen.channels if channel.name in choice.names]
    if any(channel.sampling != (1, 1) for channel in wanted):
        raise unsupported(name, "an OpenEXR file with a channel of half the size", "save it at full size")
    if can_read(chosen):
        planes = read_rows(name, data, header, choice.index, list(choice.names))
    else:
        planes = _by_library(name, data, header, choice)
    values, notes = _in_display(name, chosen, _one_plane(name, header, choice, planes))
    if sum(len(each.channels) for each in header.parts) > len(choice.names):
        notes = (f"the file's channel '{choice.label}' is used", *notes)
    return Samples(
        values=values, opaque=None, bits=planes[0].dtype.itemsize * 8, notes=notes, quantity=choice.quantity,
        hint=choice.hint, part=choice.label,
    )  # fmt: skip


def _one_plane(name: str, header: ExrHeader, choice: Choice, planes: list[NDArray[Any]]) -> NDArray[Any]:
    """The first plane, if the others are equal to it or empty, as in depth saved as colours."""
    first, *others = planes
    equal = all(np.array_equal(first, plane, equal_nan=first.dtype.kind == "f") for plane in others)
    with np.errstate(invalid="ignore"):  # some kinds of NaN
        if equal or not any(plane.any() for plane in others):
            return first
    raise bad_shape(
        name,
        f"colours ({choice.label}) and no depth channel; its channels are {_listed(_candidates(header))}",
        "select one with --part CHANNEL, or save depth",
    )


def _by_library(name: str, data: bytes, header: ExrHeader, choice: Choice) -> list[NDArray[Any]]:
    """Read files that are not supported here with the OpenEXR library, in another process."""
    part = header.parts[choice.index]
    if part.tiled and header.multi_part:
        raise unsupported(name, "an OpenEXR file of several parts in tiles", "save it in scan lines")
    if not part.tiled:
        data = _single_part(part, read_chunks(name, data, header, choice.index))
    size = part.data_window.size
    types = [next(c.type_name for c in part.channels if c.name == wanted) for wanted in choice.names]
    unpacked = size.pixels * sum(np.dtype(each).itemsize for each in types)
    _, contents = decoded_elsewhere(name, data, "exr", {"channels": list(choice.names)}, unpacked)
    lengths = [size.pixels * np.dtype(each).itemsize for each in types]
    if [len(content) for content in contents] != lengths:
        raise damaged(name, KIND, "its number of pixels is wrong")
    return [
        np.frombuffer(content, each).reshape(size.height, size.width)
        for content, each in zip(contents, types, strict=True)
    ]


def _single_part(part: ExrPart, chunks: list[tuple[int, bytes]]) -> bytes:
    """A file with only this part and the attributes that decide its pixels, for the library."""

    def attribute(key: str, kind: str, content: bytes) -> bytes:
        return f"{key}\0{kind}\0".encode() + struct.pack("<i", len(content)) + content

    def box(window: Any) -> bytes:
        return struct.pack("<iiii", window.left, window.top, window.right, window.bottom)

    channels = b"".join(
        each.name.encode() + b"\0" + struct.pack("<iIii", TYPES.index(each.type_name), 0, *each.sampling)
        for each in part.channels
    )
    longest = max(len(each.name.encode()) for each in part.channels)
    head = b"v/1\x01" + struct.pack("<I", 2 | (0x400 if longest > 31 else 0)) + b"".join([
        attribute("channels", "chlist", channels + b"\0"),
        attribute("compression", "compression", bytes([part.compression])),
        attribute("dataWindow", "box2i", box(part.data_window)),
        attribute("displayWindow", "box2i", box(part.data_window)),
        attribute("lineOrder", "lineOrder", b"\0"),
        attribute("pixelAspectRatio", "float", struct.pack("<f", 1)),
        attribute("screenWindowCenter", "v2f", bytes(8)),
        attribute("screenWindowWidth", "float", struct.pack("<f", 1)),
        b"\0",
    ])  # fmt: skip
    bodies = [struct.pack("<ii", first, len(content)) + content for first, content in sorted(chunks)]
    offsets = len(head) + 8 * len(bodies) + np.cumsum([0, *map(len, bodies)])[:-1]
    return b"".join([head, offsets.astype("<u8").tobytes(), *bodies])


def _in_display(name: str, part: ExrPart, values: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Place the data window on the display window."""
    data, display = part.data_window, part.display_window
    if data == display:
        return values, ()
    left, right = max(data.left, display.left), min(data.right, display.right)
    top, bottom = max(data.top, display.top), min(data.bottom, display.bottom)
    if left > right or top > bottom:
        raise bad_shape(name, "no pixel inside its display window", "save it with its display window set")
    inside = values[top - data.top : bottom - data.top + 1, left - data.left : right - data.left + 1]
    whole = (display.left, display.top, display.right, display.bottom) == (left, top, right, bottom)
    note = f"its data window of {data.size} is placed on its display window of {display.size}"
    if whole:
        return inside, (note,)
    # NaN requires floats; 32-bit integers require 64-bit floats.
    dtype = np.float64 if values.dtype.kind == "u" else values.dtype
    placed = np.full((display.size.height, display.size.width), np.nan, dtype)
    placed[top - display.top : bottom - display.top + 1, left - display.left : right - display.left + 1] = (
        inside
    )
    return placed, (note,)
