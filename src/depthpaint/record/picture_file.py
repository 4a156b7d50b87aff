"""Write a painted picture with its record inside, and read the record."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import is_same_file, make_folder, write_atomic
from depthpaint.core.regular_file import Wanted, input_digest, read_regular_file
from depthpaint.record.embedded import record_text
from depthpaint.record.encode import INFOTEXT_KEY, RECORD_KEY, compressed, encode_png, with_texts
from depthpaint.record.file_format import PNG, FileFormat
from depthpaint.record.infotext import infotext
from depthpaint.record.paths import checked_name, picture_names
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.record.sections import Compression
from depthpaint.request import MAX_OUTPUT_SIDE

SHEET, SHEET_KEY = "contact-sheet", "depthpaint-contact-sheet"
"""Start of the name of a contact sheet of several pictures, and its mark; it has no record."""

MAX_PICTURE_BYTES = MAX_OUTPUT_SIDE * MAX_OUTPUT_SIDE * 3 + (16 << 20)
"""Bytes of the largest picture, uncompressed, with its texts."""
_PICTURE = Wanted("picture", RecordError, ErrorCode.PICTURE_UNREADABLE, ErrorCode.PICTURE_UNREADABLE)


def picture_bytes(path: Path) -> bytes:
    """The content of a picture file. Raises RecordError picture_unreadable: not a regular file, too large."""
    return read_regular_file(path, MAX_PICTURE_BYTES, _PICTURE)


def picture_digest(path: Path) -> str:
    """sha256 of a picture file, cached (core.regular_file.input_digest). Raises RecordError."""
    return input_digest(path, MAX_PICTURE_BYTES, _PICTURE)


def read_record(path: Path) -> RunRecord:
    """The record of a picture that depthpaint painted: PNG, JPEG or WebP.

    Raises RecordError: picture_unreadable if it is not an image or ends before any record, record_missing
    for an image without a record, and record_damaged for a record that is damaged or of another version.
    """
    return RunRecord.from_json(record_text(path.name, picture_bytes(path)))


def encoded(
    record: RunRecord, pixels: NDArray[np.uint8], form: FileFormat = PNG, marks: Mapping[str, str] = {}
) -> tuple[bytes, RunRecord]:
    """The file of a picture (H, W, 3) with its record inside, and this record.

    That of a JPEG or WebP also states how the pixels were compressed. `marks` are texts that come first.
    """
    if form.name == "png":
        return encode_png(pixels, {**marks, **texts_of(record)}), record
    file = compressed(pixels, form)
    digest = hashlib.sha256(file).hexdigest()
    compression = Compression(format=form.name, quality=form.quality, sha256=digest)
    record = record.model_copy(update={"compression": compression})
    return with_texts(file, {**marks, **texts_of(record)}, form), record


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
    form: FileFormat = PNG,
) -> SavedPicture:
    """Write a picture (H, W, 3) with its record into `folder`, which is created if missing.

    Without a `name`, one is made from the prompt and the seed, with a number if it is taken. Existing files
    are replaced only with `overwrite`, and the files that it was painted from, `sources`, never. `sidecar`
    also writes the record as .json. Raises OutputError: output_exists, output_not_writable, disk_full, and
    output_path_escape if the name contains folders.
    """
    data, record = encoded(record, pixels, form)
    name = None if name is None else checked_name(name, form)
    make_folder(folder)
    if name is None:
        path = _write_under_free_name(
            data, record, folder, sources, form, overwrite=overwrite, sidecar=sidecar
        )
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


def numbered_names(name: str | None, count: int, form: FileFormat) -> list[str | None]:
    """A name for each of `count` pictures: `name`, or numbered from 1; all None without a `name`."""
    if name is None or count == 1:
        return [name] * count
    stem = form.stem(checked_name(name, form))
    return [f"{stem}-{number}" for number in range(1, count + 1)]


def texts_of(record: RunRecord) -> dict[str, str]:
    """The texts inside a picture: its record, and the parameters that other programs read."""
    return {RECORD_KEY: record.to_json(), INFOTEXT_KEY: infotext(record)}


def _write_under_free_name(
    data: bytes,
    record: RunRecord,
    folder: Path,
    sources: Sequence[Path],
    form: FileFormat,
    *,
    overwrite: bool,
    sidecar: bool,
) -> Path:
    lost: set[str] = set()

    def taken(name: str) -> bool:
        path = folder / name
        exists = _exists(path) or (sidecar and _exists(path.with_suffix(SIDECAR)))
        return name in lost or (
            exists and (not overwrite or any(is_same_file(path, source) for source in sources))
        )

    while True:
        (name,) = picture_names(record.settings.prompt, [record.settings.seed], taken, form.suffix)
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
