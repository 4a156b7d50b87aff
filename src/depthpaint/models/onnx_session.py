"""An ONNX Runtime session on the CPU that leaves the cores alone when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import onnxruntime  # pyright: ignore[reportMissingTypeStubs]


def start_session(graph: Path, threads: int = 0) -> onnxruntime.InferenceSession:
    """Load a graph that runs in so many threads, 0 for one a core; several sessions do not get into each
    other's way.

    A session's threads go on spinning for a while after each run in wait of the next. Where a picture needs
    four sessions in turn, those of the last one take the cores from the next: on two cores steps took twice
    as long (docs/benchmarks.md).
    """
    options = cast("Any", onnxruntime).SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
