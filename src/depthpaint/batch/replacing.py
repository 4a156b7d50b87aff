"""What a batch may replace: pictures that it painted, as it wrote them, and its own cut files."""

from __future__ import annotations

from pathlib import Path

from depthpaint.batch.job import Job
from depthpaint.batch.mark import has_mark, is_complete, is_cut, mark_of
from depthpaint.core.errors import DepthpaintError, ErrorCode, OutputError
from depthpaint.core.files import output_error, require_own
from depthpaint.record.picture_source import pixels_of
from depthpaint.record.png_text import picture_bytes, read_record
from depthpaint.record.run_record import pixels_sha256

_EIGHT_BIT_RGB = b"\x08\x02"
"""Bit depth and colour type of every picture that is written (PNG, section 11.2.1)."""


def require_place(job: Job, path: Path, *, overwrite: bool) -> None:
    """Raise OutputError where the job's picture is not there, and another file may not be replaced."""
    mark = mark_of(path)
    if not overwrite and (mark is None or mark.key != job.key):
        require_replaceable(job, path)


def require_replaceable(job: Job, path: Path) -> None:
    """Raise OutputError output_exists where the file at `path` is no batch's, or was edited since.

    A file that was cut before its mark is the batch's if its name is, which then holds the job's key.
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
            remedy="move it away (batch also replaces it with --overwrite)",
        )


def _is_as_painted(path: Path) -> bool:
    """Whether a whole picture has the pixels that its record names; editors may keep the record."""
    try:
        # Transparency, or another bit depth, is not in the digest.
        if picture_bytes(path)[24:26] != _EIGHT_BIT_RGB:
            return False
        return pixels_sha256(pixels_of(path)) == read_record(path).digests.picture
    except DepthpaintError:  # it cannot be proved
        return False
