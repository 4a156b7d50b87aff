"""What a batch writes into its pictures to know them again: the job's key and the weights' digest."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from depthpaint.core.files import open_regular
from depthpaint.inputs.file_kind import PNG_SIGNATURE

MARK_KEY = "depthpaint-job"
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_TEXT = re.compile(rb"tEXt" + MARK_KEY.encode() + rb"\0([0-9a-f]{64}) ([0-9a-f+]{64,194});")
_MOST_CHUNKS = 100_000
MARK_WITHIN = 4096
"""Bytes from the start that hold the mark: it is the first text behind the one of the XMP."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The job that a file was made for, and the weights that it was painted with (painting.weights_of)."""

    key: str
    weights: str


def mark_text(key: str, weights: str) -> str:
    """The text of the chunk MARK_KEY."""
    return f"{key} {weights};"  # a chunk ends in a checksum, which may look like more of a digest


def has_mark(start: bytes) -> bool:
    """Whether a file that starts so is a picture of a batch, even one that was cut."""
    return start.startswith(PNG_SIGNATURE) and _TEXT.search(start[:MARK_WITHIN]) is not None


def is_cut(start: bytes) -> bool:
    """Whether a file that starts so is a PNG that ends before there could be a mark."""
    return start.startswith(PNG_SIGNATURE) and len(start) < MARK_WITHIN and not start.endswith(PNG_END)


def is_complete(path: Path) -> bool:
    """Whether a PNG's chunks lead to its end, whatever a program wrote behind that. Raises OSError.

    Also of a file of more chunks than depthpaint writes: it was not cut in the writing.
    """
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        size, position = os.fstat(file.fileno()).st_size, len(PNG_SIGNATURE)
        for _ in range(_MOST_CHUNKS):
            if position + 12 > size:
                return False
            file.seek(position)
            head = file.read(8)
            if head[4:] == b"IEND":
                return True
            position += 12 + int.from_bytes(head[:4])
    return True


def is_marked(path: Path) -> bool:
    """Whether a file is a picture of a batch, even one that was cut; False where it cannot be read."""
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
            return has_mark(file.read(MARK_WITHIN))
    except OSError:
        return False


def mark_of(path: Path) -> Mark | None:
    """The mark of a whole picture of a batch; None for any other file. Raises OSError.

    Whole is a file that ends as a PNG ends; the picture itself is not decoded.
    """
    if path.is_symlink() or not path.is_file():
        return None
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        start = file.read(MARK_WITHIN)
        found = _TEXT.search(start)
        if not start.startswith(PNG_SIGNATURE) or found is None:
            return None
        file.seek(-len(PNG_END), os.SEEK_END)
        if file.read() != PNG_END:
            return None
    return Mark(found[1].decode(), found[2].decode())
