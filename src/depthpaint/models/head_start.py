"""Loading the built-in model while a command is still importing and reading."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depthpaint.models.painter import Painter

BUILT_IN = "diorama"


def start_loading(model: str, threads: int) -> Future[Painter] | None:
    """Begin to load `model` in a thread of its own, if it is the built-in one; None for others.

    ONNX Runtime leaves the interpreter to others while it builds sessions, and what a command still has to
    import takes as long as they. The thread itself imports nothing: two threads that import parts of one
    package at once can find it half made. What goes wrong is raised by the future's result.
    """
    if model != BUILT_IN:
        return None
    from depthpaint.models.diorama.habits import DIORAMA
    from depthpaint.models.diorama.painter import Diorama

    pool = ThreadPoolExecutor(1, "loading")
    loading: Future[Painter] = pool.submit(Diorama, DIORAMA, threads=threads)
    pool.shutdown(wait=False)
    return loading
