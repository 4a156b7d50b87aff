"""PNG: check header and chunks before decoding; then read the numbers as stored."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.geometry import Extent
from depthpaint.formats.file_kind import PNG_SIGNATURE
from depthpaint.formats.samples import (
    UPRIGHT,
    UPRIGHT_NOTE,
    Samples,
    check_size,
    damaged,
    gray_or_colours,
    orientation_of,
    truncated,
    upright,
)

_KIND = "PNG"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
HEADER_END = len(PNG_SIGNATURE) + 12 + 13

_CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
_DEPTHS = {
    GRAY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GRAY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}
# Adam7: for each pass, first column, first row, column step, row step.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(frozen=True, slots=True)
class PngHeader:
    """The content of IHDR. `bits` is per channel; `colour_type` is PNG's own number."""

    size: Extent
    bits: int
    colour_type: int
    interlaced: bool

    @property
    def scanline_bytes(self) -> int:
        """The length of the decompressed pixels, with one filter byte per row."""
        bits = self.bits * _CHANNELS[self.colour_type]
        total = 0
        for left, top, across, down in _PASSES if self.interlaced else ((0, 0, 1, 1),):
            width = (self.size.width - left + across - 1) // across
            height = (self.size.height - top + down - 1) // down
            if width > 0 and height > 0:
                total += height * (1 + (width * bits + 7) // 8)
        return total


def read_png_header(name: str, data: bytes) -> PngHeader:
    """Parse IHDR; raises DepthError (depth_truncated, depth_unreadable). The size is not checked here."""
    chunk = data[len(PNG_SIGNATURE) : HEADER_END]
    if len(chunk) < 25:
        raise truncated(name, _KIND)
    length, kind, width, height, bits, colour_type, *rest, crc = struct.unpack(">I4sIIBBBBBI", chunk)
    if kind != b"IHDR" or length != 13 or crc != zlib.crc32(chunk[4:21]):
        raise damaged(name, _KIND, "its header is corrupt")
    known = bits in _DEPTHS.get(colour_type, ()) and rest[:2] == [0, 0] and rest[2] in (0, 1)
    if not known or not (0 < width < 2**31 and 0 < height < 2**31):
        raise damaged(name, _KIND, "its header names no valid kind of PNG")
    return PngHeader(Extent(width, height), bits, colour_type, rest[2] == 1)


MAX_CHUNKS = 10_000
MAX_METADATA_BYTES = 16 << 20
MAX_FRAMES = 1_000
FRAMES_AT_ONCE = 3
"""The limit for the pixels of all frames of an animation, as a multiple of the largest map."""

_PIECE = 1 << 20
_FULL_CHUNK = 1_024
_FRAME_DATA = (b"fdAT", b"fcTL")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_XMP_KEY, _RAW_EXIF_KEYS = b"XML:com.adobe.xmp", (b"Raw profile type exif", b"Raw profile type APP1")
_ORIENTATION_KEYS = (_XMP_KEY, *_RAW_EXIF_KEYS)
_LONGEST_KEY, _LONGEST_TEXT = 80, 1 << 20


@dataclass(frozen=True, slots=True)
class PngContent:
    """The parts of a PNG that decide its pixels.

    `pixels` is the compressed pixel stream, already checked to unpack to exactly the header's size; `palette`
    and `transparency` are PLTE and tRNS or empty; `orientation` is EXIF's; `frames` counts an animation's
    frames (1 for a still); `faults` are what is damaged besides the pixels.
    """

    header: PngHeader
    pixels: bytes
    palette: bytes
    transparency: bytes
    orientation: int
    frames: int
    faults: tuple[str, ...] = ()

    def rebuilt(self, *, transparent: bool = False) -> bytes:
        """A PNG file with only these parts, so that no metadata reaches an image library.

        tRNS is one of them if it is to be `transparent`.
        """
        header = self.header
        fields = (*header.size, header.bits, header.colour_type, 0, 0, int(header.interlaced))
        chunks = [PNG_SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", *fields))]
        if header.colour_type == PALETTE:
            chunks.append(_chunk(b"PLTE", self.palette))
        if transparent and self.transparency:
            chunks.append(_chunk(b"tRNS", self.transparency))
        return b"".join([*chunks, _chunk(b"IDAT", self.pixels), _chunk(b"IEND", b"")])


def read_png_content(name: str, data: bytes, max_pixels: int) -> PngContent:
    """Check `data` from end to end and return what decides the pixels.

    Raises DepthError: depth_too_large and depth_bad_shape from the header alone, depth_truncated,
    depth_unreadable.
    """
    header = read_png_header(name, data)
    check_size(name, header.size, max_pixels)
    return png_content(name, data, header, max_pixels)


def png_content(name: str, data: bytes, header: PngHeader, max_pixels: int) -> PngContent:
    """As `read_png_content`, for a `header` whose size was already checked."""
    kept: dict[bytes, bytes] = {}
    pieces: list[bytes] = []
    texts: dict[bytes, bytes] = {}
    faults: dict[str, None] = {}
    small, metadata, frames = 0, 0, 1
    for kind, start, length in _walk(name, data, faults):
        if kind == b"IDAT":
            pieces.append(data[start : start + length])
        elif kind in (b"PLTE", b"tRNS", b"eXIf"):
            kept.setdefault(kind, data[start : start + length])
        elif kind in _TEXTS:
            key, text = data[start : start + min(length, _LONGEST_KEY)].partition(b"\0")[::2]
            if key in _ORIENTATION_KEYS and text:
                texts.setdefault(key, kind + data[start + len(key) + 1 : start + length])
        elif kind == b"acTL" and length == 8:
            frames = _frames(name, header, data[start : start + 4], max_pixels)
        elif kind[0] & 0x20 == 0 and kind != b"IEND":
            raise damaged(name, _KIND, f"it needs a chunk of an unknown kind, {kind.decode('ascii')}")
        small += is_counted(kind, length)
        metadata += length if kind != b"IDAT" and kind not in _FRAME_DATA else 0
        if small > MAX_CHUNKS or metadata > MAX_METADATA_BYTES:
            raise damaged(name, _KIND, "it has too much metadata")
    pixels = b"".join(pieces)
    _check_stream(name, pixels, header.scanline_bytes)
    palette, transparency, exif = (kept.get(kind, b"") for kind in (b"PLTE", b"tRNS", b"eXIf"))
    turned = orientation_of(exif or _raw_exif(texts), _text(texts.get(_XMP_KEY, b"")))
    return PngContent(header, pixels, palette, transparency, turned, frames, tuple(faults))


def _raw_exif(texts: dict[bytes, bytes]) -> bytes:
    """EXIF as ImageMagick writes it: two lines with its name and its length, then hexadecimal digits."""
    for key in _RAW_EXIF_KEYS:
        lines = _text(texts.get(key, b"")).split(b"\n")[3:]
        try:
            if lines:
                return bytes.fromhex(b"".join(lines).decode("ascii"))
        except ValueError:
            continue
    return b""


def _text(chunk_: bytes) -> bytes:
    """The text of a chunk, given as its kind and what follows its key; empty if damaged or far too long."""
    kind, content = chunk_[:4], chunk_[4:]
    packed = kind == b"zTXt"
    if packed:
        content = content[1:]
    elif kind == b"iTXt":
        packed = content[:1] == b"\1"
        content = content[2:].split(b"\0", 2)[-1]
    if not packed:
        return content[:_LONGEST_TEXT]
    try:
        return zlib.decompressobj().decompress(content, _LONGEST_TEXT)
    except zlib.error:
        return b""


def is_counted(kind: bytes, length: int) -> bool:
    """Whether a chunk is counted; large pixel chunks are limited by the size of the file."""
    return kind != b"IDAT" or length < _FULL_CHUNK


def chunk_heads(
    head: Callable[[int], bytes], size: int, position: int = len(PNG_SIGNATURE)
) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and length of each chunk as stated in its head; nothing is checked.

    `head` gives the 8 bytes at a position of a file of `size` bytes. IEND is yielded last; if the chunks
    do not lead to it, the file is truncated.
    """
    while position + 12 <= size:
        stated = head(position)
        length, kind = int.from_bytes(stated[:4]), stated[4:8]
        yield kind, position + 8, length
        if kind == b"IEND":
            return
        position += 12 + length


_CUT = "the end of the file is missing, but its pixels are complete"


def _walk(name: str, data: bytes, faults: dict[str, None]) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and length of each chunk after IHDR, to IEND, each with its checksum verified.

    As libpng does, leave out chunks with a wrong checksum that decide no pixel, and accept that the file ends
    after its pixels; this is added to `faults`.
    """
    view, kind, wrong = memoryview(data), b"", 0
    for kind, start, length in chunk_heads(lambda at: data[at : at + 8], len(data), HEADER_END):
        if length >= 2**31 or not kind.isalpha():
            raise damaged(name, _KIND, "a chunk has no valid head")
        end = start + length
        if end + 4 > len(data):
            if kind == b"IDAT" and end <= len(data):
                yield kind, start, length  # the pixels have a checksum of their own
            break
        if zlib.crc32(view[start - 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            fault = f"the checksum of its {kind.decode('ascii')} chunk is wrong"
            wrong += 1
            if (kind[0] & 0x20 == 0 and kind != b"IEND") or wrong > MAX_CHUNKS:
                raise damaged(name, _KIND, fault)
            faults[f"{fault}, so that chunk is ignored"] = None
            continue
        yield kind, start, length
        if kind == b"IEND":
            return
    if kind != b"IEND":
        faults[_CUT] = None


def _frames(name: str, header: PngHeader, field: bytes, max_pixels: int) -> int:
    frames = int.from_bytes(field, "big")
    if frames > MAX_FRAMES or frames * header.size.pixels > FRAMES_AT_ONCE * max_pixels:
        raise DepthError(
            f"{name} is an animation of {frames:,} frames of {header.size} pixels",
            code=ErrorCode.DEPTH_TOO_LARGE,
            remedy="save the frame that you mean as a picture of its own",
            value=frames,
            limit=MAX_FRAMES,
        )
    return max(1, frames)


def _check_stream(name: str, pixels: bytes, expected: int) -> None:
    """Decompress in small pieces and count: image libraries leave rows black if a stream ends early."""
    unpacker, view = zlib.decompressobj(), memoryview(pixels)
    total = 0
    try:
        # The input is also split: after every piece of output the decompressor copies all remaining input.
        for start in range(0, len(pixels), _PIECE):
            rest: bytes | memoryview = view[start : start + _PIECE]
            while rest and not unpacker.eof and total <= expected:
                total += len(unpacker.decompress(rest, _PIECE))
                rest = unpacker.unconsumed_tail
        # The rest in the decompressor after the last input.
        while not unpacker.eof and total <= expected and (more := unpacker.decompress(b"", _PIECE)):
            total += len(more)
    except zlib.error as error:
        raise damaged(name, _KIND, "its pixels cannot be unpacked") from error
    if total > expected:
        raise damaged(name, _KIND, "it holds more pixels than its header states")
    if total < expected or not unpacker.eof:
        raise truncated(name, _KIND)


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", crc)))


Numbers = NDArray[Any]


def decode_png(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode any kind of PNG: gray, colour or palette, 1 to 16 bits, with or without transparency.

    The picture is returned upright, an animation as its first frame. A pixel is opaque from half of full
    opacity on. Raises DepthError.
    """
    content = read_png_content(name, data, max_pixels)
    planes = _wide(name, content) if content.header.bits == 16 else _narrow(name, content)
    values, opaque = _split(name, content, planes)
    notes = list(content.faults)
    if content.frames > 1:
        notes.append(f"the file is an animation of {content.frames} frames; the first is used")
    if content.orientation != UPRIGHT:
        notes.append(UPRIGHT_NOTE)
        values = upright(values, content.orientation)
        opaque = None if opaque is None else upright(opaque, content.orientation)
    if values.ndim == 3:
        values = gray_or_colours(values)
    return Samples(values=values, opaque=opaque, bits=content.header.bits, notes=tuple(notes))


def _narrow(name: str, content: PngContent) -> Numbers:
    """Up to 8 bits: (H, W) or (H, W, C) of uint8, gray scaled to 0..255, a palette as indices."""
    planes = np.asarray(_opened(name, content.rebuilt()))
    return np.where(planes, np.uint8(255), np.uint8(0)) if planes.dtype == np.bool_ else planes


def _wide(name: str, content: PngContent) -> Numbers:
    """16 bits: (H, W) or (H, W, C) of uint16. Pillow itself drops the low bytes of all but plain gray."""
    header = content.header
    if header.colour_type == GRAY:
        return np.asarray(_opened(name, content.rebuilt()))
    if header.colour_type == GRAY_ALPHA:
        # Four bytes per pixel, as in 8-bit RGBA, and PNG's filters work on bytes: decoded as that, the bytes
        # are unchanged.
        twin = replace(content, header=replace(header, bits=8, colour_type=RGB_ALPHA))
        return np.asarray(_opened(name, twin.rebuilt())).view(">u2").astype(np.uint16)
    mode = {RGB: "RGB", RGB_ALPHA: "RGBA"}[header.colour_type]
    high, low = (_bytes_of(name, content, mode, end) for end in ("B", "L"))
    return high.astype(np.uint16) << 8 | low


def _bytes_of(name: str, content: PngContent, mode: str, end: str) -> Numbers:
    """One byte of each number: the decoder keeps the high one, which read as little-endian is the low."""
    header = content.header
    layout = (f"{mode};16{end}", int(header.interlaced))
    try:
        return np.asarray(
            Image.frombytes(mode, (header.size.width, header.size.height), content.pixels, "zip", *layout)
        )
    except (OSError, ValueError) as error:
        raise damaged(name, _KIND, "its pixels cannot be decoded") from error


def _opened(name: str, data: bytes) -> Image.Image:
    try:
        # Only PNG: choosing another decoder by content is a known attack. Image.open would apply its own size
        # limit, after the user's was checked.
        image = PngImageFile(BytesIO(data))
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise damaged(name, _KIND, "its pixels cannot be decoded") from error
    return image


def _split(name: str, content: PngContent, planes: Numbers) -> tuple[Numbers, NDArray[np.bool_] | None]:
    """Separate values from opacity: alpha, or the one transparent colour or palette entry."""
    header, key = content.header, content.transparency
    if header.colour_type in (GRAY_ALPHA, RGB_ALPHA):
        half = 1 << (header.bits - 1)
        colours = planes[..., :-1]
        return (colours[..., 0] if header.colour_type == GRAY_ALPHA else colours), planes[..., -1] >= half
    if header.colour_type == PALETTE:
        return _from_palette(name, content, planes)
    colour = np.frombuffer(key[: len(key) // 2 * 2], dtype=">u2")
    if colour.size != (3 if header.colour_type == RGB else 1):
        return planes, None
    if header.bits < 8:
        colour = colour * (255 // ((1 << header.bits) - 1))
    differs = planes != colour.astype(planes.dtype)
    return planes, differs.any(axis=-1) if header.colour_type == RGB else differs


def _from_palette(
    name: str, content: PngContent, indices: Numbers
) -> tuple[Numbers, NDArray[np.bool_] | None]:
    if len(content.palette) % 3 or not content.palette:
        raise damaged(name, _KIND, "its palette is incomplete")
    colours = np.frombuffer(content.palette, dtype=np.uint8).reshape(-1, 3)
    if int(indices.max()) >= len(colours):
        raise damaged(name, _KIND, "it uses colours that its palette does not have")
    if not content.transparency:
        return colours[indices], None
    opacity = np.full(256, 255, dtype=np.uint8)
    entries = np.frombuffer(content.transparency[:256], dtype=np.uint8)
    opacity[: len(entries)] = entries
    return colours[indices], opacity[indices] >= 128
