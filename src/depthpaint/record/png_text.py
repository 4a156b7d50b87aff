"""The record inside the picture: PNG text chunks, written with Pillow and read without decoding the picture.

Chunks are read by hand (PNG, W3C recommendation, sections 5.3 and 11.3.3) because the file may come from
anybody: no pixel is decoded, and nothing unpacks to more than a record may be long.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from depthpaint.core.errors import ErrorCode
from depthpaint.inputs.file_kind import PNG_SIGNATURE, file_kind
from depthpaint.inputs.png_chunks import MAX_CHUNKS, is_counted
from depthpaint.inputs.regular_file import Wanted, read_regular_file
from depthpaint.record.run_record import LONGEST_RECORD, RecordError, RunRecord
from depthpaint.request import MAX_OUTPUT_SIDE

RECORD_KEY = "depthpaint"
INFOTEXT_KEY = "parameters"
XMP_KEY = "XML:com.adobe.xmp"

MAX_PICTURE_BYTES = MAX_OUTPUT_SIDE * MAX_OUTPUT_SIDE * 3 + (16 << 20)
"""The largest picture that can be asked for, unpacked, and its texts."""
_PICTURE = Wanted("picture", RecordError, ErrorCode.PICTURE_UNREADABLE, ErrorCode.PICTURE_UNREADABLE)

# The one mark of synthetic pictures that image editors keep (IPTC Photo Metadata, Digital Source Type).
# It holds nothing of the prompt, so nothing has to be escaped.
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="depthpaint"'
    ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


def encode_png(pixels: NDArray[np.uint8], texts: Mapping[str, str]) -> bytes:
    """A PNG of uint8 (H, W, 3) with these texts, and the XMP mark of a picture made by a trained model.

    Equal input gives equal bytes. A text of Latin letters becomes a tEXt chunk, any other an iTXt chunk.
    """
    info = PngInfo()
    info.add_itxt(XMP_KEY, _XMP)
    for key, text in texts.items():
        info.add_text(key, text)  # which turns to iTXt by itself where Latin-1 does not suffice
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def picture_bytes(path: Path) -> bytes:
    """The content of a picture's file. Raises RecordError picture_unreadable: no regular file, too large."""
    return read_regular_file(path, MAX_PICTURE_BYTES, _PICTURE)


def read_record(path: Path) -> RunRecord:
    """The record of a picture that depthpaint painted.

    Raises RecordError: picture_unreadable for what is no picture or ends before any record, record_missing
    where it is a picture without a record, and record_damaged for a record that is damaged or of another
    version.
    """
    data = picture_bytes(path)
    kind = file_kind(data)
    if kind.verdict in ("jpeg", "webp", "tiff", "heif"):
        raise _refused(f"{path.name} is not a PNG", "give a picture as depthpaint wrote it")
    if kind.verdict != "png":
        raise _unreadable(path.name, f"is not a PNG: it is {kind.looks_like}")
    for kind, content in _texts(data, path.name):
        key, _, packed = content.partition(b"\0")
        if key == RECORD_KEY.encode():
            return RunRecord.from_json(_unpacked(kind, packed, path.name))
    raise _refused(
        f"{path.name} was not painted by depthpaint, or its metadata was removed",
        "give the picture as it was written: many programs and web sites drop metadata",
    )


def _texts(data: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    """The type and content of each text chunk; behind the last one RecordError where no end follows."""
    view, start = memoryview(data), len(PNG_SIGNATURE)
    counted = 0
    while start + 12 <= len(data):
        length = int.from_bytes(view[start : start + 4])
        kind = bytes(view[start + 4 : start + 8])
        end = start + 12 + length
        if kind == b"IEND":
            return
        counted += is_counted(kind, length)
        if counted > MAX_CHUNKS:
            raise _unreadable(name, f"has more than {MAX_CHUNKS:,} chunks, and no picture needs so many")
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            if zlib.crc32(view[start + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
                raise _damaged(name)
            yield kind, bytes(view[start + 8 : end - 4])
        start = end
    raise _unreadable(name, "ends in the middle of the picture")


def _unpacked(kind: bytes, packed: bytes, name: str) -> str:
    """The text of a chunk behind its key. Other programs may have packed what was written plain."""
    compressed, text = kind == b"zTXt", packed
    if kind == b"zTXt":
        text = packed[1:]  # the compression method, of which there is one
    elif kind == b"iTXt":
        # flag, method, language, NUL, translated key, NUL, text
        compressed, text = packed[:1] == b"\1", b"".join(packed[2:].split(b"\0", 2)[2:])
    try:
        if compressed:
            text = zlib.decompressobj().decompress(text, LONGEST_RECORD + 1)
        return text.decode("utf-8" if kind == b"iTXt" else "latin-1")
    except (zlib.error, UnicodeDecodeError) as error:
        raise _damaged(name) from error


def _unreadable(name: str, why: str) -> RecordError:
    return RecordError(
        f"{name} {why}",
        code=ErrorCode.PICTURE_UNREADABLE,
        value=name,
        remedy="use the picture as it was written, or save it anew with an image program",
    )


def _damaged(name: str) -> RecordError:
    return RecordError(
        f"the record in {name} is damaged",
        code=ErrorCode.RECORD_DAMAGED,
        remedy="use the picture as it was written",
    )


def _refused(message: str, remedy: str) -> RecordError:
    return RecordError(message, code=ErrorCode.RECORD_MISSING, remedy=remedy)
