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
from depthpaint.core.errors import DepthpaintError, ErrorCode, OutputError
from depthpaint.core.files import open_regular, output_error, require_own
from depthpaint.formats.file_kind import PNG_SIGNATURE
from depthpaint.formats.png import chunk_heads
from depthpaint.record.picture_file import SHEET_KEY, picture_bytes, read_record
from depthpaint.record.picture_source import pixels_of
from depthpaint.record.run_record import pixels_sha256

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
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_TEXT = re.compile(rb"tEXt" + MARK_KEY.encode() + rb"\0([0-9a-f]{64}) ([0-9a-f+]{64,194});")
_MOST_CHUNKS = 100_000
MARK_WITHIN = 4096
"""Bytes from the start that contain the mark: it is the first text after the XMP."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The job's key, and the digests of the weights (painting.weights_of)."""

    key: str
    weights: str


def mark_text(key: str, weights: str) -> str:
    """The text of the chunk MARK_KEY."""
    return f"{key} {weights};"  # the checksum that follows a chunk could look like more of a digest


def has_mark(start: bytes) -> bool:
    """Whether a file with this start is a picture of a batch, even an incomplete one."""
    return start.startswith(PNG_SIGNATURE) and _TEXT.search(start[:MARK_WITHIN]) is not None


def is_cut(start: bytes) -> bool:
    """Whether a file with this start is a PNG that ends before the place of the mark."""
    return start.startswith(PNG_SIGNATURE) and len(start) < MARK_WITHIN and not start.endswith(PNG_END)


def is_complete(path: Path) -> bool:
    """Whether a PNG's chunks lead to its end, ignoring data after it. Raises OSError.

    Also for a file with more chunks than depthpaint writes: it is not truncated.
    """
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:

        def head(position: int) -> bytes:
            file.seek(position)
            return file.read(8)

        chunks = chunk_heads(head, os.fstat(file.fileno()).st_size)
        kinds = [kind for kind, _, _ in islice(chunks, _MOST_CHUNKS)]
    return len(kinds) == _MOST_CHUNKS or kinds[-1:] == [b"IEND"]


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

    A file is complete if it ends like a PNG; the picture is not decoded.
    """
    if path.is_symlink() or not path.is_file():
        return None
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        start = file.read(MARK_WITHIN)
        match = _TEXT.search(start)
        if not start.startswith(PNG_SIGNATURE) or match is None:
            return None
        file.seek(-len(PNG_END), os.SEEK_END)
        if file.read() != PNG_END:
            return None
    return Mark(match[1].decode(), match[2].decode())


_EIGHT_BIT_RGB = b"\x08\x02"
"""Bit depth and colour type of all pictures written by depthpaint (PNG, section 11.2.1)."""


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
        # The digest does not cover transparency or another bit depth.
        if picture_bytes(path)[24:26] != _EIGHT_BIT_RGB:
            return False
        return pixels_sha256(pixels_of(path)) == read_record(path).digests.picture
    except DepthpaintError:  # not verifiable
        return False
