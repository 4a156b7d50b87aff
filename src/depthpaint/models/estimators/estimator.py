"""What the engine asks of a network that sees depth in a picture."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.formats.samples import Quantity


class Estimator(Protocol):
    """A loaded estimator of depth."""

    @property
    def name(self) -> str:
        """A registered name, or a folder's own name without the folders above it."""
        ...

    @property
    def revision(self) -> str:
        """The hub's commit that the weights are from; "" for a folder's and the shipped, which know none."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Digest of the weights that are loaded, hexadecimal: of the file, or of shards one after another."""
        ...

    @property
    def quantity(self) -> Quantity:
        """What grows with the numbers: "disparity", on a scale of its own, or "distance", in metres."""
        ...

    @property
    def caution(self) -> str:
        """What must be known of it, as a clause that follows its name; "" where nothing must."""
        ...

    def estimate(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Depth of a picture (H, W, 3) at the picture's own size: float32 (H, W), finite."""
        ...
