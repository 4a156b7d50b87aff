"""How a batch recognises its own pictures, and which files it may replace."""

from __future__ import annotations

import hashlib
import os
import re
from array import array
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from depthpaint.batch.job import Job
from depthpaint.core.errors import DepthError, DepthpaintError, ErrorCode, OutputError
from depthpaint.core.files import open_regular, output_error, require_own
from depthpaint.formats.file_kind import PNG_SIGNATURE
from depthpaint.formats.jpeg_segments import read_jpeg_segments
from depthpaint.formats.png import chunk_heads
from depthpaint.record.picture_file import SHEET_KEY, picture_bytes, read_record
from depthpaint.record.picture_source import is_as_painted, pixels_of
from depthpaint.record.run_record import RecordError

_FREE = 0


class Fingerprints:
    """A set of strings that stores only an eight-byte fingerprint of each.

    The chance that two of a million strings share a fingerprint is 1 in 40 million.
    """

    def __init__(self) -> None:
        # Open addressing in a power of two, at most half full: Python's set takes three times as much memory.
        self._table = array("Q", bytes(8 * 1024))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, text: str) -> bool:
        return self._table[self._place(_fingerprint(text))] != _FREE

    def add(self, text: str) -> bool:
        """Add a string; return whether it was new."""
        fingerprint = _fingerprint(text)
        place = self._place(fingerprint)
        if self._table[place] != _FREE:
            return False
        self._table[place] = fingerprint
        self._count += 1
        if 2 * self._count > len(self._table):
            self._grow()
        return True

    def _place(self, fingerprint: int) -> int:
        last = len(self._table) - 1
        place = fingerprint & last
        while self._table[place] not in (_FREE, fingerprint):
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        old, self._table = self._table, array("Q", bytes(2 * 8 * len(self._table)))
        for fingerprint in old:
            if fingerprint != _FREE:
                self._table[self._place(fingerprint)] = fingerprint


def _fingerprint(text: str) -> int:
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) or 1


MARK_KEY = "depthpaint-job"
_PNG_END, _JPEG_START, _JPEG_END = b"\0\0\0\0IEND\xaeB`\x82", b"\xff\xd8\xff", b"\xff\xd9"
_STARTS = (PNG_SIGNATURE, _JPEG_START, b"RIFF")
# A text chunk of a PNG, an XMP property of a JPEG or WebP.
_TEXT = re.compile(MARK_KEY.encode() + rb"[\0>]([0-9a-f]{64}) ([0-9a-f+]{64,194});")
_MOST_CHUNKS = 100_000
MARK_WITHIN = 4096
"""Bytes from the start that contain the mark: it is the first text of a picture."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The job's key, and the digests of the weights (painting.weights_of)."""

    key: str
    weights: str


def mark_text(key: str, weights: str) -> str:
    """The text of the chunk MARK_KEY."""
    return f"{key} {weights};"  # the checksum that follows a chunk could look like more of a digest


def is_begun(content: bytes) -> bool:
    """Whether the whole content of a file may be the first few bytes of a picture."""
    return any(each.startswith(content) for each in _STARTS)


def has_mark(start: bytes) -> bool:
    """Whether a file with this start is a picture of a batch, even an incomplete one."""
    return start.startswith(_STARTS) and _TEXT.search(start[:MARK_WITHIN]) is not None


def is_cut(start: bytes) -> bool:
    """Whether a file with this start is a picture that ends before the place of the mark."""
    return start.startswith(_STARTS) and len(start) < MARK_WITHIN and not _is_ended(start, start, len(start))


def _is_ended(start: bytes, end: bytes, size: int) -> bool:
    """Whether a picture of `size` bytes with this start and end ends like its format."""
    if start.startswith(b"RIFF"):
        return size == 8 + int.from_bytes(start[4:8], "little")
    return end.endswith(_PNG_END if start.startswith(PNG_SIGNATURE) else _JPEG_END)


def is_complete(path: Path) -> bool:
    """Whether a picture leads to its end, ignoring data after it. Raises OSError.

    Also for a PNG with more chunks than depthpaint writes: it is not truncated.
    """
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        start, size = file.read(8), os.fstat(file.fileno()).st_size
        if start.startswith(b"RIFF"):
            return size >= 8 + int.from_bytes(start[4:8], "little")
        if start.startswith(_JPEG_START):
            return _has_jpeg_end(path)

        def head(position: int) -> bytes:
            file.seek(position)
            return file.read(8)

        chunks = chunk_heads(head, size)
        kinds = [kind for kind, _, _ in islice(chunks, _MOST_CHUNKS)]
    return len(kinds) == _MOST_CHUNKS or kinds[-1:] == [b"IEND"]


def _has_jpeg_end(path: Path) -> bool:
    try:
        # Pixels never contain the two bytes of the end.
        return _JPEG_END in read_jpeg_segments(path.name, picture_bytes(path)).plain
    except (DepthError, RecordError):
        return False


def is_marked(path: Path) -> bool:
    """Whether a file is a picture of a batch, even an incomplete one, or its contact sheet.

    False if it cannot be read.
    """
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
            start = file.read(MARK_WITHIN)
            return has_mark(start) or (start.startswith(PNG_SIGNATURE) and SHEET_KEY.encode() in start)
    except OSError:
        return False


def mark_of(path: Path) -> Mark | None:
    """The mark of a complete picture of a batch; None for any other file. Raises OSError.

    A file is complete if it ends like its format; the picture is not decoded.
    """
    if path.is_symlink() or not path.is_file():
        return None
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        start = file.read(MARK_WITHIN)
        match = _TEXT.search(start)
        if not has_mark(start) or match is None:
            return None
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(_PNG_END)))
        if not _is_ended(start, file.read(), size):
            return None
    return Mark(match[1].decode(), match[2].decode())


_EIGHT_BIT_RGB = b"\x08\x02"
"""Bit depth and colour type of all PNGs written by depthpaint (PNG, section 11.2.1)."""


def require_place(job: Job, path: Path, *, overwrite: bool) -> None:
    """Raise OutputError if another file is at the place of the job's picture and may not be replaced."""
    mark = mark_of(path)
    if not overwrite and (mark is None or mark.key != job.key):
        require_replaceable(job, path)


def require_replaceable(job: Job, path: Path) -> None:
    """Raise OutputError output_exists if the file at `path` is not a batch's picture, or was edited since.

    A file truncated before its mark is recognised by its name, which contains the job's key.
    """
    require_own(path, lambda start: has_mark(start) or (not job.named and is_cut(start)))
    try:
        complete = path.exists() and is_complete(path)
    except OSError as error:
        raise output_error(path, error) from error
    if complete and not _is_as_painted(path):
        raise OutputError(
            f"{path} was edited after it was painted",
            code=ErrorCode.OUTPUT_EXISTS,
            value=str(path),
            remedy="move it away (batch replaces it with --overwrite)",
        )


def _is_as_painted(path: Path) -> bool:
    """Whether a complete picture has the pixels that its record states; editors may keep the record."""
    try:
        # The digest of a PNG's pixels does not cover transparency or another bit depth.
        data = picture_bytes(path)
        if data.startswith(PNG_SIGNATURE) and data[24:26] != _EIGHT_BIT_RGB:
            return False
        return is_as_painted(path, read_record(path), pixels_of(path))
    except DepthpaintError:  # not verifiable
        return False
