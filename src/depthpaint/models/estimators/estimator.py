"""What the engine asks of a network that sees depth in a picture."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Estimator(Protocol):
    """A loaded estimator of relative disparity."""

    @property
    def name(self) -> str:
        """As it was asked for: a registered name, or a folder."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Digest of the weights that are loaded, hexadecimal."""
        ...

    def estimate(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Disparity of a picture (H, W, 3), on a scale of its own: float32 (H, W), greater is nearer."""
        ...
