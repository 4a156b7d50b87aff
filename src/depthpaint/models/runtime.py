"""Where and how a model computes: what is said of the machine, not of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "fp16", "bf16"]


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
