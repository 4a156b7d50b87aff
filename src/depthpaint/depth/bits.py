"""How many bits a map really uses, whatever its container could hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.deband import WORTHWHILE_LEVELS
from depthpaint.depth.finding import Finding


def distinct(values: NDArray[Any]) -> int:
    """How many different numbers there are in `values` (N,)."""
    if values.dtype.kind == "b":
        return len({bool(values.min()), bool(values.max())})
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        return int(np.count_nonzero(np.bincount(values.astype(np.int32) - int(values.min()))))
    ordered = np.sort(values.astype(values.dtype.newbyteorder("="), copy=False))
    return 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def bits_of(
    values: NDArray[Any], container: int, colour_map: str
) -> tuple[int, tuple[Finding, ...], tuple[str, ...]]:
    """The number of levels of the valid `values` (N,), what is to be concluded, and what to tell."""
    levels = distinct(values)
    found, notes = list[Finding](), list[str]()
    used = (levels - 1).bit_length()
    if colour_map == "gray" and container == 16 and values.dtype.kind in "iu":
        if told := _narrower(values):
            found.append(
                Finding(aspect="bits", value=f"{used} of 16", confidence=0.95, evidence=told, flag="")
            )
            notes.append(told)
    if 2 < levels <= WORTHWHILE_LEVELS:
        told = (
            f"only {levels} different depths: expect steps; export 16 bits or floats, or smooth with --deband"
        )
        found.append(
            Finding(
                aspect="banding", value=f"{levels} levels", confidence=1.0, evidence=told, flag="--deband"
            )
        )
        notes.append(told)
    return levels, tuple(found), tuple(notes)


def _narrower(values: NDArray[Any]) -> str:
    """What 16-bit numbers were before somebody put them into 16 bits, if it shows."""
    some = values[:: max(1, values.size // 100_000)].astype(np.int64)
    if (some % 257 == 0).all() or (some % 256 == 0).all():
        return "a 16-bit file of 8-bit data: every number is a multiple of 256 or 257"
    if int(values.max()) == 32_768:
        return "a 16-bit file of 15-bit data (0 to 32768), as Photoshop writes it"
    return ""
