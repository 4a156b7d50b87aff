"""ONNX Runtime sessions on the CPU whose threads do not spin when idle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError, is_shortage_alone, out_of_memory

_LONGEST = 200
"""The longest message of ONNX Runtime that is quoted, in characters; some contain a whole graph."""


class OnnxSession:
    """A loaded graph. Errors of ONNX Runtime become a DepthpaintError that names the graph."""

    def __init__(self, graph: Path, session: Any) -> None:
        self.graph = graph
        self.inner = session

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, np.ndarray]) -> list[Any]:
        """The outputs, all if none are named. Raises ModelError model_incompatible, OutOfMemory."""
        try:
            return self.inner.run(outputs, inputs)
        # ONNX Runtime's exceptions have no common class but Exception.
        except Exception as error:
            raise _failure(self.graph, "run", ErrorCode.MODEL_INCOMPATIBLE, error) from error


def start_session(graph: Path, threads: int = 0) -> OnnxSession:
    """Load a graph that runs in `threads` threads, 0 for one per core.

    By default the threads of a session keep spinning after each run, waiting for the next. If a picture needs
    four sessions in turn, the idle ones take the cores from the active one: on two cores, steps took twice as
    long (docs/explanation/benchmarks.md). Raises ModelError model_truncated, OutOfMemory.
    """
    try:
        options = cast("Any", onnxruntime).SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.force_spinning_stop", "1")
        session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _failure(graph, "load", ErrorCode.MODEL_TRUNCATED, error) from error
    return OnnxSession(graph, session)


def _failure(graph: Path, action: str, code: ErrorCode, error: Exception) -> DepthpaintError:
    if is_shortage_alone(error):
        return out_of_memory(
            f"to {action} the graph {graph.name}", "close other programs, or ask for a smaller --size"
        )
    why = " ".join(str(error).split())[:_LONGEST]
    return ModelError(
        f"ONNX Runtime cannot {action} the graph {graph.name}: {why}",
        code=code,
        remedy="reinstall depthpaint",
        value=str(graph),
    )
