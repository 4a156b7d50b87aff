"""Walk a JPEG's segments up to its pixels, and separate metadata from what decides the pixels.

Format: ITU-T T.81 (segments), Adobe XMP specification part 3 (extended XMP), CIPA DC-007 (multi-picture
format).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from depthpaint.core.geometry import Extent
from depthpaint.formats.samples import damaged, orientation_of, too_many, truncated, unsupported

MAX_SEGMENTS = 10_000
MAX_SCANS = 30  # a progressive picture has ten; each costs as much time as the whole picture

KIND = "JPEG picture"
EXIF_HEAD, XMP_HEAD, MORE_XMP_HEAD = (
    b"Exif\0\0",
    b"http://ns.adobe.com/xap/1.0/\0",
    b"http://ns.adobe.com/xmp/extension/\0",
)
_MULTI_PICTURE = b"MPF\0"
_START_OF_SCAN, _END = 0xDA, 0xD9
# Huffman tables, arithmetic conditions and the reserved number stand between the frame headers.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_USUAL_FRAMES = (0xC0, 0xC1, 0xC2)
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_JFIF, _COMMENT, _APP_FIRST, _APP_LAST, _ADOBE = 0xE0, 0xFE, 0xE0, 0xEF, 0xEE
_EXTENSION_HEAD = 32 + 8  # which packet, then the whole packet's length and this part's place in it


@dataclass(frozen=True, slots=True)
class JpegSegments:
    """A JPEG's parts.

    `components` is 1 for gray, 3 for colours, 4 for ink; `plain` is the same picture without any metadata;
    `exif` and `xmp` are empty where there are none; `extended_xmp` are the parts of the second XMP packet put
    together, `multi_picture` the table of further pictures with its place in the file, or (b"", 0); `junk`
    counts the bytes between segments that belong to none.
    """

    size: Extent
    components: int
    plain: bytes
    exif: bytes
    xmp: bytes
    extended_xmp: bytes
    multi_picture: tuple[bytes, int]
    junk: int

    @property
    def orientation(self) -> int:
        """EXIF's orientation, or XMP's."""
        return orientation_of(self.exif, self.xmp)


def read_jpeg_segments(name: str, data: bytes) -> JpegSegments:
    """Parse everything before the pixels.

    Raises DepthError: depth_truncated, depth_unreadable, depth_unsupported_format (lossless, arithmetic and
    12-bit JPEG), depth_too_large (too many scans or segments). The size is not checked here.
    """
    kept: list[bytes] = []
    metadata: dict[bytes, bytes] = {}
    extension: list[bytes] = []
    frame: tuple[Extent, int] | None = None
    multi_picture, pixels, junk, last = (b"", 0), len(data), 0, 2
    for marker, start, end in _walk(name, data):
        content = data[start:end]
        junk, last = junk + len(data[last : start - 4].replace(b"\xff", b"")), end
        if marker == _START_OF_SCAN:
            pixels = start - 4
        elif marker in _FRAMES:
            if frame is not None:
                raise damaged(name, KIND, "it has two headers")
            frame = _frame(name, marker, content)
        for head in (EXIF_HEAD, XMP_HEAD):
            if marker == _APP_FIRST + 1 and content.startswith(head):
                metadata.setdefault(head, content[len(head) :])
        if marker == _APP_FIRST + 1 and content.startswith(MORE_XMP_HEAD):
            extension.append(content[len(MORE_XMP_HEAD) :])
        elif marker == _APP_FIRST + 2 and content.startswith(_MULTI_PICTURE):
            multi_picture = content[len(_MULTI_PICTURE) :], start + len(_MULTI_PICTURE)
        if marker in (_JFIF, _ADOBE) or not (_APP_FIRST <= marker <= _APP_LAST or marker == _COMMENT):
            kept.append(data[start - 4 : end] if marker != _START_OF_SCAN else b"")
    if frame is None:
        raise damaged(name, KIND, "it has no header before its pixels")
    if data.count(b"\xff\xda", pixels) > MAX_SCANS:
        raise too_many(name, f"more than {MAX_SCANS} layers of one picture", MAX_SCANS)
    plain = b"".join([b"\xff\xd8", *kept, data[pixels:]])
    exif, xmp = metadata.get(EXIF_HEAD, b""), metadata.get(XMP_HEAD, b"")
    return JpegSegments(*frame, plain, exif, xmp, _joined(extension), multi_picture, junk)


def _walk(name: str, data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment's content, up to and including the first scan.

    As libjpeg and Pillow do, skip bytes between segments that belong to none.
    """
    position = 2
    for _ in range(MAX_SEGMENTS):
        # Any number of FF bytes may precede a marker.
        while data[position : position + 2] == b"\xff\xff":
            position += 1
        if position + 4 > len(data):
            raise truncated(name, KIND)
        if data[position] != 0xFF:
            position = data.find(b"\xff", position)
            if position < 0:
                raise truncated(name, KIND)
            continue
        marker = data[position + 1]
        if marker == _END:
            raise damaged(name, KIND, "it has no pixels")
        if marker in _WITHOUT_LENGTH or marker == 0:
            position += 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        start, end = position + 4, position + 2 + length
        if length < 2:
            raise damaged(name, KIND, "a segment has no length")
        if end > len(data):
            raise truncated(name, KIND)
        yield marker, start, end
        if marker == _START_OF_SCAN:
            return
        position = end
    raise too_many(name, f"more than {MAX_SEGMENTS:,} segments", MAX_SEGMENTS)


def _frame(name: str, marker: int, content: bytes) -> tuple[Extent, int]:
    if len(content) < 6:
        raise damaged(name, KIND, "its header is too short")
    bits, height, width, components = struct.unpack_from(">BHHB", content)
    if marker not in _USUAL_FRAMES or bits != 8:
        raise unsupported(
            name,
            "a JPEG of an unusual kind (12 bits, lossless or arithmetic)",
            "save it as a 16-bit gray PNG",
        )
    if width < 1 or height < 1:
        raise damaged(name, KIND, "its header has no size")
    return Extent(width, height), components


def _joined(parts: list[bytes]) -> bytes:
    """The parts of the first extended XMP packet in order; empty if incomplete."""
    parts = [part for part in parts if len(part) >= _EXTENSION_HEAD and part[:32] == parts[0][:32]]
    places = [struct.unpack_from(">II", part, 32) for part in parts]
    packet = b"".join(
        part[_EXTENSION_HEAD:] for _, part in sorted(zip([place for _, place in places], parts, strict=True))
    )
    return packet if places and all(whole == len(packet) for whole, _ in places) else b""
