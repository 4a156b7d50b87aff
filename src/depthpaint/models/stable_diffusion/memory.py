"""What is done when memory runs out: one rung of a ladder after another, each told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from depthpaint.core.errors import ErrorCode, OutOfMemory
from depthpaint.core.memory import tells_shortage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to need less memory: what a person is told of it, and what is done."""

    told: str
    take: Callable[[], object]


@dataclass(slots=True)
class Ladder:
    """Rungs from the cheapest to the slowest. Each is taken once, and stays taken."""

    rungs: Sequence[Rung]
    taken: list[str] = field(default_factory=list[str])

    def run(self, work: Callable[[], T]) -> T:
        """Do `work`, from a higher rung each time memory runs out. Raises OutOfMemory from the last one."""
        while True:
            try:
                return work()
            # torch raises a RuntimeError where a CPU's memory ends.
            except RuntimeError as error:
                if not tells_shortage(error):
                    raise
                self._climb(error)

    def _climb(self, error: RuntimeError) -> None:
        if len(self.taken) == len(self.rungs):
            raise OutOfMemory(
                f"there is not enough memory to paint, even with {', '.join(self.taken) or 'nothing saved'}",
                code=ErrorCode.OUT_OF_MEMORY,
                remedy="make the picture smaller with --size, or take --precision bf16 or a smaller --model",
            ) from error
        rung = self.rungs[len(self.taken)]
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        rung.take()
        self.taken.append(rung.told)
