"""The two files beside the ledger: which rows failed in the last run, and how long pictures took."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from depthpaint.batch.manifest import Shard
from depthpaint.batch.own_file import Kind, OwnFile, own_path
from depthpaint.core.errors import DepthpaintError
from depthpaint.core.files import output_error


class Notes:
    """`failures.jsonl` tells of this run alone and is gone when nothing failed; `times.jsonl` grows.

    Times are kept out of the pictures and of the ledger, so that the same batch is the same bytes. The files
    are the batch's own: `own_file.require_own_files` was called before.
    """

    def __init__(self, folder: Path, shard: Shard) -> None:
        self._folder, self._shard = folder, shard
        self._open: dict[Kind, OwnFile] = {}
        failures = own_path(folder, Kind.FAILURES, shard)
        try:
            failures.unlink(missing_ok=True)
        except OSError as error:
            raise output_error(failures, error) from error

    def failed(self, line: int, error: DepthpaintError) -> None:
        """Write down a row that was not painted."""
        self._file(Kind.FAILURES).add_values({"line": line, "code": error.code.value, "message": str(error)})

    def took(self, file: str, seconds: Mapping[str, float]) -> None:
        """Write down what a picture took, in seconds a stage."""
        rounded = {stage: round(took, 4) for stage, took in seconds.items()}
        self._file(Kind.TIMES).add_values({"file": file, "seconds": rounded})

    def close(self) -> None:
        """Close the files."""
        for file in self._open.values():
            file.close()

    def _file(self, kind: Kind) -> OwnFile:
        if kind not in self._open:
            file = self._open[kind] = OwnFile(own_path(self._folder, kind, self._shard), kind)
            file.begin()
        return self._open[kind]
