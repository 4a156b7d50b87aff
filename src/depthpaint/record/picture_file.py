"""A painted picture as a PNG that contains its record; the record can be read without decoding."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import is_same_file, make_folder, write_atomic
from depthpaint.core.regular_file import Wanted, input_digest, read_regular_file
from depthpaint.formats.file_kind import file_kind
from depthpaint.formats.png import MAX_CHUNKS, chunk_heads, is_counted
from depthpaint.record.infotext import infotext
from depthpaint.record.paths import SUFFIX, checked_name, picture_names
from depthpaint.record.run_record import LONGEST_RECORD, RecordError, RunRecord
from depthpaint.request import MAX_OUTPUT_SIDE

RECORD_KEY = "depthpaint"
INFOTEXT_KEY = "parameters"
XMP_KEY = "XML:com.adobe.xmp"
SHEET, SHEET_KEY = "contact-sheet", "depthpaint-contact-sheet"
"""Start of the name of a contact sheet of several pictures, and its mark; it has no record."""

MAX_PICTURE_BYTES = MAX_OUTPUT_SIDE * MAX_OUTPUT_SIDE * 3 + (16 << 20)
"""Bytes of the largest picture, uncompressed, with its texts."""
_PICTURE = Wanted("picture", RecordError, ErrorCode.PICTURE_UNREADABLE, ErrorCode.PICTURE_UNREADABLE)

# The mark of synthetic pictures that image editors keep (IPTC Photo Metadata, Digital Source Type).
# It contains nothing of the prompt, so nothing has to be escaped.
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="depthpaint"'
    ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


def encode_png(pixels: NDArray[np.uint8], texts: Mapping[str, str]) -> bytes:
    """A PNG of uint8 (H, W, 3) with these texts and the XMP mark of a picture made by a trained model.

    Equal input gives equal bytes. A Latin-1 text becomes a tEXt chunk, any other an iTXt chunk.
    """
    info = PngInfo()
    info.add_itxt(XMP_KEY, _XMP)
    for key, text in texts.items():
        info.add_text(key, text)  # switches to iTXt if the text is not Latin-1
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def picture_bytes(path: Path) -> bytes:
    """The content of a picture file. Raises RecordError picture_unreadable: not a regular file, too large."""
    return read_regular_file(path, MAX_PICTURE_BYTES, _PICTURE)


def picture_digest(path: Path) -> str:
    """sha256 of a picture file, cached (core.regular_file.input_digest). Raises RecordError."""
    return input_digest(path, MAX_PICTURE_BYTES, _PICTURE)


def read_record(path: Path) -> RunRecord:
    """The record of a picture that depthpaint painted.

    Raises RecordError: picture_unreadable if it is not an image or ends before any record, record_missing
    for an image without a record, and record_damaged for a record that is damaged or of another version.
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
    """The type and content of each text chunk. Raises RecordError at the end if the file is truncated."""
    view, counted = memoryview(data), 0
    for kind, start, length in chunk_heads(lambda at: data[at : at + 8], len(data)):
        if kind == b"IEND":
            return
        counted += is_counted(kind, length)
        if counted > MAX_CHUNKS:
            raise _unreadable(name, f"has more than {MAX_CHUNKS:,} chunks")
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            end = start + length
            if zlib.crc32(view[start - 4 : end]) != int.from_bytes(view[end : end + 4]):
                raise _damaged(name)
            yield kind, bytes(view[start:end])
    raise _unreadable(name, "ends in the middle of the picture")


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


def _unreadable(name: str, why: str) -> RecordError:
    return RecordError(
        f"{name} {why}",
        code=ErrorCode.PICTURE_UNREADABLE,
        value=name,
        remedy="use the original picture, or save it again with an image program",
    )


def _damaged(name: str) -> RecordError:
    return RecordError(
        f"the record in {name} is damaged",
        code=ErrorCode.RECORD_DAMAGED,
        remedy="use the original picture",
    )


def _refused(message: str, remedy: str) -> RecordError:
    return RecordError(message, code=ErrorCode.RECORD_MISSING, remedy=remedy)


SIDECAR = ".json"


@dataclass(frozen=True, slots=True)
class SavedPicture:
    """A picture on disk. `sha256` is of its pixels, as in the record; the file itself also contains times."""

    path: Path
    seed: int
    width: int
    height: int
    sha256: str
    record: RunRecord


def write_picture(
    record: RunRecord,
    pixels: NDArray[np.uint8],
    folder: Path,
    *,
    sources: Sequence[Path],
    overwrite: bool = False,
    name: str | None = None,
    sidecar: bool = False,
) -> SavedPicture:
    """Write a picture (H, W, 3) with its record into `folder`, which is created if missing.

    Without a `name`, one is made from the prompt and the seed, with a number if it is taken. Existing files
    are replaced only with `overwrite`, and the files that it was painted from, `sources`, never. `sidecar`
    also writes the record as .json. Raises OutputError: output_exists, output_not_writable, disk_full, and
    output_path_escape if the name contains folders.
    """
    data = encode_png(pixels, texts_of(record))
    name = None if name is None else checked_name(name)
    make_folder(folder)
    if name is None:
        path = _write_under_free_name(data, record, folder, sources, overwrite=overwrite, sidecar=sidecar)
    else:
        path = folder / name
        if not overwrite:
            require_free(path, sidecar=sidecar)
        write_atomic(path, data, overwrite=overwrite)
    if sidecar:
        # Written after the picture, so that there is no sidecar without one.
        write_atomic(path.with_suffix(SIDECAR), (record.to_json() + "\n").encode(), overwrite=overwrite)
    height, width = pixels.shape[:2]
    return SavedPicture(path, record.settings.seed, width, height, record.digests.picture, record)


def numbered_names(name: str | None, count: int) -> list[str | None]:
    """A name for each of `count` pictures: `name`, or numbered from 1; all None without a `name`."""
    if name is None or count == 1:
        return [name] * count
    stem = checked_name(name)[: -len(SUFFIX)]
    return [f"{stem}-{number}" for number in range(1, count + 1)]


def texts_of(record: RunRecord) -> dict[str, str]:
    """The texts inside a picture: its record, and the parameters that other programs read."""
    return {RECORD_KEY: record.to_json(), INFOTEXT_KEY: infotext(record)}


def _write_under_free_name(
    data: bytes, record: RunRecord, folder: Path, sources: Sequence[Path], *, overwrite: bool, sidecar: bool
) -> Path:
    lost: set[str] = set()

    def taken(name: str) -> bool:
        path = folder / name
        exists = _exists(path) or (sidecar and _exists(path.with_suffix(SIDECAR)))
        return name in lost or (
            exists and (not overwrite or any(is_same_file(path, source) for source in sources))
        )

    while True:
        (name,) = picture_names(record.settings.prompt, [record.settings.seed], taken)
        try:
            write_atomic(folder / name, data, overwrite=overwrite)
        except OutputError as error:
            # Another process took the name between the check and the write.
            if error.code is not ErrorCode.OUTPUT_EXISTS or name in lost:
                raise
            lost.add(name)
        else:
            return folder / name


def _exists(path: Path) -> bool:
    # Unlike Path.exists, lexists is also true for a dangling link, which takes the name.
    return os.path.lexists(path)


def require_free(path: Path, *, sidecar: bool) -> None:
    """Raise OutputError output_exists where a picture of this path, or its sidecar, would replace a file."""
    for each in (path, path.with_suffix(SIDECAR)) if sidecar else (path,):
        if _exists(each):
            raise OutputError(
                f"{each} already exists",
                code=ErrorCode.OUTPUT_EXISTS,
                value=str(each),
                remedy="choose another name or allow overwriting",
            )
