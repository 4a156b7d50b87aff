"""An NPY file's numbers, as they are stored. No pickle, no memory map."""

from __future__ import annotations

import numpy as np

from depthpaint.depth.formats.samples import Samples
from depthpaint.inputs.npy_header import read_npy_header


def decode_npy(name: str, data: bytes, max_pixels: int) -> Samples:
    """Decode (H, W), (H, W, 1) or (1, H, W) of any real numbers in either byte order; raises DepthError."""
    header = read_npy_header(name, data, max_pixels)
    numbers = np.frombuffer(data, dtype=np.dtype(header.type_name), offset=header.offset)
    plane = numbers.reshape(header.shape, order="F" if header.column_major else "C").reshape(
        header.rows_and_columns
    )
    if header.kind == "b":
        # A byte that is neither 0 nor 1 is no boolean, and numpy would compute with it as it is.
        plane = plane.view(np.uint8) != 0
    return Samples(values=plane, opaque=None, bits=header.item_bytes * 8)
