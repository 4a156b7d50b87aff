"""The two files beside the ledger: which rows failed in the last run, and how long pictures took."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from depthpaint.batch.ledger import ledger_name
from depthpaint.batch.manifest import Shard
from depthpaint.core.errors import DepthpaintError
from depthpaint.core.files import output_error


class Notes:
    """`failures.jsonl` tells of this run alone and is gone when nothing failed; `times.jsonl` grows.

    Times are kept out of the pictures and of the ledger, so that the same batch is the same bytes.
    """

    def __init__(self, folder: Path, shard: Shard) -> None:
        name = ledger_name(shard)
        self.failures = folder / name.replace("records", "failures")
        self._times = folder / name.replace("records", "times")
        self._open: dict[Path, TextIO] = {}
        try:
            self.failures.unlink(missing_ok=True)
        except OSError as error:
            raise output_error(self.failures, error) from error

    def failed(self, line: int, error: DepthpaintError) -> None:
        """Write down a row that was not painted."""
        self._write(self.failures, {"line": line, "code": error.code.value, "message": str(error)})

    def took(self, file: str, seconds: Mapping[str, float]) -> None:
        """Write down what a picture took, in seconds a stage."""
        rounded = {stage: round(took, 4) for stage, took in seconds.items()}
        self._write(self._times, {"file": file, "seconds": rounded})

    def close(self) -> None:
        """Let go of the files."""
        for file in self._open.values():
            file.close()

    def _write(self, path: Path, values: Mapping[str, object]) -> None:
        try:
            if path not in self._open:
                self._open[path] = path.open("a", encoding="ascii", buffering=1)
            self._open[path].write(json.dumps(values) + "\n")
        except OSError as error:
            raise output_error(path, error) from error
