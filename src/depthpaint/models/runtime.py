"""Where and how a model computes: what is said of the machine, not of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from depthpaint.core.errors import ErrorCode, ParameterError

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "fp16", "bf16"]
MOST_THREADS = 256
"""Each graph of diorama has that many, which on a machine of few cores costs memory and saves no time."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """`auto` takes the fastest device there is, and the precision that it does well.

    `compile` lets torch compile the denoising network: minutes at the first picture, faster from then on.
    `threads` is how many a CPU works with, 0 for one a core. For torch the last engine's number holds for the
    whole process.
    """

    device: Device = "auto"
    precision: Precision = "auto"
    compile: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        """Raise ParameterError for a number of threads that is none, or that no machine has cores for."""
        if isinstance(self.threads, bool) or not 0 <= self.threads <= MOST_THREADS:
            raise ParameterError(
                f"{self.threads} threads are asked for, and 0 to {MOST_THREADS} are possible",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="leave out --threads: 0 takes one a core",
                value=self.threads,
                limit=MOST_THREADS,
            )
