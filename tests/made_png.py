"""Write any kind of PNG, sound or spoiled, independently of the library that reads it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
Chunks = Sequence[tuple[bytes, bytes]]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(width: int, height: int, bits: int, colour_type: int, interlaced: bool = False) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, interlaced))


def scanlines(samples: NDArray[Any], bits: int) -> bytes:
    """Rows with one filter byte each, all five filters in turn; samples (H, W) or (H, W, C)."""
    samples = samples.reshape(*samples.shape[:2], -1)
    rows = samples.reshape(len(samples), -1)
    if bits < 8:
        bit = rows[..., None].astype(np.uint8) >> np.arange(bits - 1, -1, -1, dtype=np.uint8) & 1
        raw = np.packbits(bit.reshape(len(rows), -1), axis=1)
    else:
        raw = np.ascontiguousarray(rows.astype(f">u{bits // 8}")).view(np.uint8)
    step = max(1, samples.shape[2] * bits // 8)
    here = raw.astype(np.int32)
    left = np.pad(here, ((0, 0), (step, 0)))[:, : here.shape[1]]
    up = np.pad(here, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(left, ((1, 0), (0, 0)))[:-1]
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    paeth = np.where(
        (to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner)
    )
    out = b""
    for y, prediction in enumerate(zip(left * 0, left, up, (left + up) // 2, paeth, strict=True)):
        kind = y % 5
        out += bytes([kind]) + (here[y] - prediction[kind]).astype(np.uint8).tobytes()
    return out


def png(
    samples: NDArray[Any],
    bits: int = 8,
    colour_type: int = 0,
    *,
    interlaced: bool = False,
    before: Chunks = (),
    after: Chunks = (),
    idat_bytes: int = 1 << 30,
) -> bytes:
    """A PNG file with `samples` (H, W) or (H, W, C); other chunks before and after the pixels."""
    if interlaced:
        parts = [samples[top::down, left::across] for left, top, across, down in PASSES]
        raw = b"".join(scanlines(part, bits) for part in parts if part.size)
    else:
        raw = scanlines(samples, bits)
    packed = zlib.compress(raw)
    height, width = samples.shape[:2]
    return b"".join([
        SIGNATURE,
        header(width, height, bits, colour_type, interlaced),
        *(chunk(*each) for each in before),
        *(chunk(b"IDAT", packed[k : k + idat_bytes]) for k in range(0, len(packed), idat_bytes)),
        *(chunk(*each) for each in after),
        chunk(b"IEND", b""),
    ])  # fmt: skip


def ramp(height: int, width: int, top: int) -> NDArray[np.int64]:
    """Values from 0 to `top`, growing row by row."""
    return np.linspace(0, top, height * width).astype(np.int64).reshape(height, width)
