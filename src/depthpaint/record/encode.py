"""Pixels and texts become the bytes of a PNG, JPEG or WebP. Equal input gives equal bytes.

A PNG has its texts in text chunks. JPEG and WebP have `parameters` in EXIF's UserComment, where programs
look for it, and the others in XMP. Both stand before the pixels, so that the start of a file shows what it is
(for WebP: "metadata and unknown chunks may appear out of order", RFC 9649, section 2.7). XMP in JPEG: XMP
specification part 3, section 1.1.3; what does not fit into one segment becomes extended XMP.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Mapping
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from depthpaint.formats.jpeg_segments import EXIF_HEAD, MORE_XMP_HEAD, XMP_HEAD
from depthpaint.record.file_format import PNG, FileFormat

RECORD_KEY = "depthpaint"
INFOTEXT_KEY = "parameters"
XMP_KEY = "XML:com.adobe.xmp"
DIGEST_KEY = "sha256"
"""The property with the digest of the record, which finds a flipped bit: JPEG and WebP have no checksums."""
NAMESPACE = "urn:depthpaint:1.0/"

_PACKET = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{}<?xpacket end="r"?>'
_RDF = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about=""{}</rdf:RDF></x:xmpmeta>'
)
# The mark of synthetic pictures that image editors keep (IPTC Photo Metadata, Digital Source Type).
_MARK = (
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="depthpaint"'
    ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"'
)
_EXTENDED = ' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{}"'
_LONGEST_SEGMENT = 0xFFFF - 2
_LONGEST_PART = 65_400
"""Bytes of extended XMP in one segment, as the specification recommends."""
EXIF_POINTER, USER_COMMENT, _LONG, _UNDEFINED = 0x8769, 0x9286, 4, 7
_EXIF_PLACE, _COMMENT_PLACE = 26, 44  # after the header and one directory of one entry, then after the other
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04


def encode(pixels: NDArray[np.uint8], texts: Mapping[str, str], form: FileFormat = PNG) -> bytes:
    """A file of uint8 (H, W, 3) with these texts and the XMP mark of a picture made by a trained model."""
    if form.name == "png":
        return encode_png(pixels, texts)
    return with_texts(compressed(pixels, form), texts, form)


def encode_png(pixels: NDArray[np.uint8], texts: Mapping[str, str]) -> bytes:
    """A PNG of uint8 (H, W, 3), as `encode`. A Latin-1 text becomes a tEXt chunk, any other an iTXt chunk."""
    info = PngInfo()
    info.add_itxt(XMP_KEY, _PACKET.format(_RDF.format(f"{_MARK}/>")))
    for key, text in texts.items():
        info.add_text(key, text)  # switches to iTXt if the text is not Latin-1
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def compressed(pixels: NDArray[np.uint8], form: FileFormat) -> bytes:
    """A JPEG (4:4:4) or WebP of uint8 (H, W, 3) without any metadata."""
    image, buffer = Image.fromarray(np.ascontiguousarray(pixels)), io.BytesIO()
    if form.name == "jpeg":
        image.save(buffer, "JPEG", quality=form.quality, subsampling=0)
        return buffer.getvalue()
    if form.quality is None:
        image.save(buffer, "WEBP", lossless=True)
    else:
        image.save(buffer, "WEBP", quality=form.quality)
    sides = b"".join((side - 1).to_bytes(3, "little") for side in image.size)
    return _riff(_chunk(b"VP8X", bytes(4) + sides) + buffer.getvalue()[12:])


def with_texts(file: bytes, texts: Mapping[str, str], form: FileFormat) -> bytes:
    """A JPEG or WebP made by `compressed`, with these texts."""
    properties = {key: text for key, text in texts.items() if key != INFOTEXT_KEY}
    if RECORD_KEY in texts:
        properties = {DIGEST_KEY: text_sha256(texts[RECORD_KEY]), **properties}
    exif = _exif(texts[INFOTEXT_KEY]) if INFOTEXT_KEY in texts else b""
    if form.name == "jpeg":
        after_jfif = 4 + int.from_bytes(file[4:6])
        segments = _xmp_segments(properties) + _exif_segment(exif)
        return file[:after_jfif] + segments + file[after_jfif:]
    flags = _WEBP_XMP | (_WEBP_EXIF if exif else 0)
    metadata = _chunk(b"XMP ", _xmp(properties)) + (_chunk(b"EXIF", exif) if exif else b"")
    header, pixels = bytearray(file[12:30]), file[30:]
    header[8] |= flags
    return _riff(bytes(header) + metadata + pixels)


def text_sha256(text: str) -> str:
    """The digest that DIGEST_KEY holds."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _properties(values: Mapping[str, str]) -> str:
    """The rest of an rdf:Description: its end, and its properties as elements."""
    if not values:
        return "/>"
    elements = "".join(
        f"<depthpaint:{key}>{escape(text, quote=False)}</depthpaint:{key}>" for key, text in values.items()
    )
    return f' xmlns:depthpaint="{NAMESPACE}">{elements}</rdf:Description>'


def _xmp(values: Mapping[str, str], extension: str = "") -> bytes:
    return _PACKET.format(_RDF.format(f"{_MARK}{extension}{_properties(values)}")).encode()


def _xmp_segments(values: Mapping[str, str]) -> bytes:
    """The segments of XMP in a JPEG. A record that is too long for the first one is in the extension."""
    whole = _xmp(values)
    if len(XMP_HEAD + whole) <= _LONGEST_SEGMENT:
        return _segment(XMP_HEAD + whole)
    record = {key: text for key, text in values.items() if key == RECORD_KEY}
    more = _RDF.format(_properties(record)).encode()
    name = hashlib.md5(more, usedforsecurity=False).hexdigest().upper()
    others = {key: text for key, text in values.items() if key not in record}
    parts = [_segment(XMP_HEAD + _xmp(others, _EXTENDED.format(name)))]
    for start in range(0, len(more), _LONGEST_PART):
        head = MORE_XMP_HEAD + name.encode() + struct.pack(">II", len(more), start)
        parts.append(_segment(head + more[start : start + _LONGEST_PART]))
    return b"".join(parts)


def _exif(comment: str) -> bytes:
    """EXIF (TIFF, big endian) with a UserComment in UTF-16, as AUTOMATIC1111 writes it with piexif."""
    text = b"UNICODE\0" + comment.encode("utf-16-be")
    pointer = struct.pack(">HHHIII", 1, EXIF_POINTER, _LONG, 1, _EXIF_PLACE, 0)
    entry = struct.pack(">HHHIII", 1, USER_COMMENT, _UNDEFINED, len(text), _COMMENT_PLACE, 0)
    return b"MM\0*" + struct.pack(">I", 8) + pointer + entry + text


def _exif_segment(exif: bytes) -> bytes:
    """The segment of EXIF in a JPEG; none for a text that is longer than a segment can hold."""
    fits = exif and len(EXIF_HEAD + exif) <= _LONGEST_SEGMENT
    return _segment(EXIF_HEAD + exif) if fits else b""


def _segment(content: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks
