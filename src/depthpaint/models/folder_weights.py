"""A configuration may ask for no larger a network than the weights beside it fill."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from safetensors import safe_open

from depthpaint.models.folder_json import Refuse, incompatible

SPARE_SHARE, SPARE = 1.25, 1_000_000
"""What a network may have beyond its weights: published files leave out tensors that are never used."""


def require_backed(folder: Path, files: Sequence[Path], empty: Any, refuse: Refuse = incompatible) -> None:
    """Raise `refuse`'s error where `empty`, a module without memory, is much larger than its weights.

    A library would fill what is missing with random numbers: gigabytes for a configuration of a few bytes.
    """
    built = sum(math.prod(tensor.shape) for tensor in empty.state_dict().values())
    held = sum(map(_numbers_in, files))
    if built > held * SPARE_SHARE + SPARE:
        raise refuse(folder, f"its config.json describes {built:,} weights, and its files hold {held:,}")


def require_finite(folder: Path, network: Any, refuse: Refuse = incompatible) -> None:
    """Raise `refuse`'s error where a weight is NaN or infinite.

    For networks that judge: where one paints, its picture shows it.
    """
    for name, weight in network.named_parameters():
        if not bool(weight.isfinite().all()):
            raise refuse(folder, f"its {name[:80]} holds numbers that are not finite")


def _numbers_in(file: Path) -> int:
    with safe_open(file, framework="numpy") as opened:  # pyright: ignore[reportUnknownVariableType]
        stream = cast("Any", opened)
        return sum(math.prod(stream.get_slice(name).get_shape()) for name in stream.keys())
