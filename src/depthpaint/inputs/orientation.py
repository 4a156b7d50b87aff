"""How a camera or a program says that a picture is to be turned: the orientation tag of EXIF."""

from __future__ import annotations

import struct

UPRIGHT = 1
_TAG, _SHORT = 0x0112, 3


def orientation_of(exif: bytes) -> int:
    """Return EXIF's orientation, 1 to 8; 1 (upright) where there is none, or none that makes sense."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 8:
        return UPRIGHT
    (offset,) = struct.unpack_from(f"{order}I", exif, 4)
    if offset + 2 > len(exif):
        return UPRIGHT
    (count,) = struct.unpack_from(f"{order}H", exif, offset)
    for position in range(offset + 2, min(offset + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, position)
        if tag == _TAG and kind == _SHORT and 1 <= value <= 8:
            return value
    return UPRIGHT
