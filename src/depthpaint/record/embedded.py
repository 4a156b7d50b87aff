"""Find the record inside a picture's file without decoding its pixels. Pictures are untrusted input."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.formats.file_kind import file_kind
from depthpaint.formats.jpeg import read_xmp
from depthpaint.formats.jpeg_segments import read_jpeg_segments
from depthpaint.formats.png import MAX_CHUNKS, chunk_heads, is_counted
from depthpaint.formats.webp import read_webp_chunks
from depthpaint.record.encode import DIGEST_KEY, NAMESPACE, RECORD_KEY, text_sha256
from depthpaint.record.run_record import LONGEST_RECORD, RecordError


def record_text(name: str, data: bytes) -> str:
    """The JSON of the record in a PNG, JPEG or WebP.

    Raises RecordError: picture_unreadable if it is no such file or ends before any record, record_missing
    for an image without a record, and record_damaged.
    """
    kind = file_kind(data)
    if kind.verdict == "png":
        text = _in_png(name, data)
    elif kind.verdict in ("jpeg", "webp"):
        text = _in_xmp(name, *_packets(name, data, kind.verdict))
    elif kind.verdict in ("tiff", "heif"):
        raise _missing(f"{name} is not a PNG, JPEG or WebP", "give a picture as depthpaint wrote it")
    else:
        raise unreadable(f"{name} is not a PNG, JPEG or WebP: it is {kind.looks_like}", name)
    if text is None:
        raise _missing(
            f"{name} was not painted by depthpaint, or its metadata was removed",
            "give the picture as it was written: many programs and web sites drop metadata",
        )
    return text


def record_in_info(info: Mapping[object, object]) -> str | None:
    """The JSON of the record in the `info` of a Pillow image, or None. Raises RecordError record_damaged."""
    text, packet = info.get(RECORD_KEY), info.get("xmp")
    if isinstance(text, str):
        return text
    return _in_xmp("the image", packet, b"") if isinstance(packet, bytes) else None


def _in_png(name: str, data: bytes) -> str | None:
    for kind, content in _texts(data, name):
        key, _, packed = content.partition(b"\0")
        if key == RECORD_KEY.encode():
            return _unpacked(kind, packed, name)
    return None


def _texts(data: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    """The type and content of each text chunk. Raises RecordError at the end if the file is truncated."""
    view, counted = memoryview(data), 0
    for kind, start, length in chunk_heads(lambda at: data[at : at + 8], len(data)):
        if kind == b"IEND":
            return
        counted += is_counted(kind, length)
        if counted > MAX_CHUNKS:
            raise unreadable(f"{name} has more than {MAX_CHUNKS:,} chunks", name)
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            end = start + length
            if zlib.crc32(view[start - 4 : end]) != int.from_bytes(view[end : end + 4]):
                raise _damaged(name)
            yield kind, bytes(view[start:end])
    raise unreadable(f"{name} ends in the middle of the picture", name)


def _unpacked(kind: bytes, packed: bytes, name: str) -> str:
    """The text of a chunk after its key. Other programs may have compressed it."""
    compressed, text = kind == b"zTXt", packed
    if kind == b"zTXt":
        text = packed[1:]  # skip the compression method; there is only one
    elif kind == b"iTXt":
        # flag, method, language, NUL, translated key, NUL, text
        compressed, text = packed[:1] == b"\1", b"".join(packed[2:].split(b"\0", 2)[2:])
    try:
        if compressed:
            text = zlib.decompressobj().decompress(text, LONGEST_RECORD + 1)
        return text.decode("utf-8" if kind == b"iTXt" else "latin-1")
    except (zlib.error, UnicodeDecodeError) as error:
        raise _damaged(name) from error


def _packets(name: str, data: bytes, verdict: str) -> tuple[bytes, bytes]:
    """The XMP packet of a JPEG or WebP, and the extended one; empty where there is none."""
    try:
        if verdict == "webp":
            return read_webp_chunks(name, data).xmp, b""
        segments = read_jpeg_segments(name, data)
    except DepthError as error:
        raise unreadable(error.message, name) from error
    return segments.xmp, segments.extended_xmp


def _in_xmp(name: str, packet: bytes, extension: bytes) -> str | None:
    values = read_xmp(packet).values | read_xmp(extension).values
    text, digest = values.get(NAMESPACE + RECORD_KEY), values.get(NAMESPACE + DIGEST_KEY)
    if text is None and digest is None and NAMESPACE.encode() not in packet:
        return None
    if text is None or digest != text_sha256(text):
        raise _damaged(name)
    return text


def unreadable(message: str, value: str) -> RecordError:
    """The error for a file that is not a whole picture."""
    return RecordError(
        message,
        code=ErrorCode.PICTURE_UNREADABLE,
        value=value,
        remedy="use the original picture, or save it again with an image program",
    )


def _damaged(name: str) -> RecordError:
    return RecordError(
        f"the record in {name} is damaged",
        code=ErrorCode.RECORD_DAMAGED,
        remedy="use the original picture",
    )


def _missing(message: str, remedy: str) -> RecordError:
    return RecordError(message, code=ErrorCode.RECORD_MISSING, remedy=remedy)
