"""What a decoder hands on: numbers as stored, before anybody has said what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Decoded numbers of any real type.

    `values` is (H, W), or (H, W, 3) for colours; `opaque` is bool (H, W), or None where the file knows no
    transparency; `bits` is what the file's format holds a value; `notes` are sentences to show the user.
    """

    values: NDArray[Any]
    opaque: NDArray[np.bool_] | None
    bits: int
    notes: tuple[str, ...] = ()
